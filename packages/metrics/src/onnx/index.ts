export { type DoubleProducts, openDoubleProducts } from './double-products.js';
export {
  type FeatureNetwork,
  type FeatureNetworkOptions,
  openFeatureNetwork,
} from './feature-network.js';
