import { type DoubleProducts, openDoubleProducts } from '@fewstep/metrics/onnx';

/** What is made with ONNX Runtime's products of matrices, which are closed then. */
export async function withProducts<T>(make: (products: DoubleProducts) => Promise<T>): Promise<T> {
  const products = await openDoubleProducts();
  try {
    return await make(products);
  } finally {
    await products.close();
  }
}
