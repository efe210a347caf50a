// The midpoint method, its second evaluation where you like. Nothing is imported: what it needs is given.
export default ({ number, slopeAt, axpy }) => ({
  name: 'midpoint',
  evaluations: 2, // of one interval, for the plan; what the table shows is counted
  // Keys of `student` in a spec: checked as any, with a default and a sentence.
  options: {
    at: number({ exclusiveMinimum: 0, maximum: 1 }, 0.5, 'Where in the interval the second evaluation lies.'),
  },
  make: ({ at }) => ({
    init: (x) => ({ x }),
    // From noise level sigma to sigmaNext. `yield { x, sigma }` asks the network, which gives the denoised image.
    *step({ x }, sigma, sigmaNext) {
      const slope = slopeAt(x, (yield { x, sigma }).denoised, sigma); // dx/dσ = (x − denoised)/σ
      const between = sigma + at * (sigmaNext - sigma);
      const middle = axpy(between - sigma, slope, x); // (between − sigma) · slope + x
      const slopeThere = slopeAt(middle, (yield { x: middle, sigma: between }).denoised, between);
      return { x: axpy(sigmaNext - sigma, slopeThere, x) };
    },
  }),
});
