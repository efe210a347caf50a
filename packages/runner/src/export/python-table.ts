/**
 * How a table is summed in PyTorch, of functions that numpy has, too: what files for other programs begin with.
 *
 * `row_of` is `rowOf` of @fewstep/solvers, on [n, channels, height, width].
 */
export const pythonTable = `@functools.lru_cache(maxsize=None)
def _cosines(size, dtype, device):
    """The orthonormal DCT-II of so many numbers, [frequencies, places]."""
    rows = [
        [
            math.sqrt((1 if u == 0 else 2) / size) * math.cos(math.pi * (2 * x + 1) * u / (2 * size))
            for x in range(size)
        ]
        for u in range(size)
    ]
    return torch.tensor(rows, dtype=dtype, device=device)


@functools.lru_cache(maxsize=None)
def _below(edge, height, width, dtype, device):
    """1 where a frequency (u, v) is below the edge, else 0."""
    kept = [
        [float((u / height) ** 2 + (v / width) ** 2 < 2 * edge**2) for v in range(width)]
        for u in range(height)
    ]
    return torch.tensor(kept, dtype=dtype, device=device)


def in_bands(x, edges):
    """An image as the sum of its bands of spatial frequency, one more than there are edges."""
    height, width = x.shape[-2:]
    kind = (x.dtype, x.device)
    rows, columns = _cosines(height, *kind), _cosines(width, *kind)
    spectrum = rows @ x @ columns.T
    below = [rows.T @ (spectrum * _below(edge, height, width, *kind)) @ columns for edge in edges] + [x]
    return below[:1] + [wide - narrow for narrow, wide in zip(below, below[1:])]


def row_of(row, known, edges):
    """The sum that a row of the table is: of the noise and the answers so far, or of the bands of each."""
    parts = known if len(row) == len(known) else [part for one in known for part in in_bands(one, edges)]
    return sum(weight * part for weight, part in zip(row, parts))`;
