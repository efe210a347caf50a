/**
 * What a report shows, as plain JSON: whoever computes it decides what is known, and the page, `results.csv`, `table.tex` and
 * `points.json` show exactly that. All texts are data, whatever is in them.
 */
export interface ReportData {
  /** Of the experiment, or of several. */
  readonly title: string;
  /** What is to be known of the figures, a sentence each. */
  readonly notes: readonly string[];
  /** Columns of figures, in the order in which they are shown. */
  readonly metrics: readonly MetricData[];
  readonly points: readonly PointData[];
  /** Points that differ in nothing but a seed, together; a point that has no like is a group of its own. */
  readonly groups: readonly GroupData[];
  /** Near-exact solutions of the same seeds, which points name. */
  readonly teachers: readonly TeacherData[];
  /** What was computed and what was found, by kind of task. */
  readonly tasks: readonly TaskData[];
  /** What ran it: a name and a text each, as the command line, versions, the device. */
  readonly run: readonly (readonly [name: string, text: string])[];
  /** Tasks that failed. */
  readonly failures: readonly string[];
  /** While a run goes on: how far it is. */
  readonly progress?: { readonly done: number; readonly of: number; readonly now: readonly string[] };
}

/** A column of figures. */
export interface MetricData {
  readonly name: string;
  /** After the point. */
  readonly digits: number;
  /** Left out where neither is better. */
  readonly best?: 'lowest' | 'highest';
}

/** A figure and how sure it is. */
export interface Figure {
  /** null: infinite. */
  readonly value: number | null;
  /** Half the width of its 95 % interval. */
  readonly half?: number;
  /** Of those that cost as much and are scored alike: the best, or what its interval can't tell from it. */
  readonly rank?: 'best' | 'alike';
}

interface Figured {
  readonly label: string;
  /** Its label without what says how many evaluations it takes: points of one series are a line in a plot. */
  readonly series: string;
  /** What distinguishes it: paths of the spec and their values. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** By metric; what failed or wasn't asked for is not there. */
  readonly figures: Readonly<Record<string, Figure>>;
  /** Network evaluations of one sample. */
  readonly nfe?: number;
  /** Samples that the network was asked for to train or search it; left out: nothing was trained. */
  readonly trainCalls?: number;
}

/** Points that differ in nothing but a seed: means over them, with an interval by their spread. */
export interface GroupData extends Figured {
  /** Indices of its points. */
  readonly points: readonly number[];
}

/** One combination of settings: what it came to, and what is known of how. */
export interface PointData extends Figured {
  /** Of the experiment that it is of. */
  readonly experiment: string;
  readonly depth?: number;
  readonly forwards?: number;
  /** Samples that its figures are of, and real images that these are compared with. */
  readonly images?: number;
  readonly realImages?: number;
  /** Blocks that are scored each by itself. */
  readonly repeats?: number;
  readonly published?: { readonly fid: number; readonly name: string; readonly source: string };
  /** Seconds that its training and its samples took, whenever and wherever that was. */
  readonly seconds?: { readonly train?: number; readonly sample?: number };
  /** How its figures came about: a name and a text each. */
  readonly protocol?: readonly (readonly [name: string, text: string])[];
  /** Every key of its spec. */
  readonly spec?: string;
  /** Its first images. */
  readonly pictures?: PicturesData;
  /** Index of its near-exact solution. */
  readonly teacher?: number;
  readonly paths?: PathsData;
  readonly intervals?: IntervalsData;
  readonly curves?: CurvesData;
  readonly table?: TableData;
}

/** A near-exact solution of the same seeds. */
export interface TeacherData {
  readonly label: string;
  readonly nfe?: number;
  readonly pictures: PicturesData;
}

/** Thumbnails of images on one sheet, in rows from the upper left. */
export interface PicturesData {
  /** Of each image. */
  readonly seeds: readonly number[];
  /** Of one thumbnail, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly columns: number;
  /** A `data:image/…` URL. */
  readonly sheet: string;
  /** In full size, a file beside the page; a relative URL. */
  readonly file?: string;
}

/** Trajectories in the first principal components of the teacher's, of the first seeds. */
export interface PathsData {
  /** Of each component, its share of the variance. */
  readonly explained: readonly number[];
  readonly seeds: readonly number[];
  /** By seed and step, coordinates in data units; noise levels of the steps. */
  readonly teacher: readonly (readonly (readonly number[])[])[];
  readonly student: readonly (readonly (readonly number[])[])[];
  readonly sigmas: { readonly teacher: readonly number[]; readonly student: readonly number[] };
}

/** Distance to the teacher at the student's own noise levels. */
export interface IntervalsData {
  readonly sigma: readonly number[];
  /** Root mean square over pixels and images, and its standard error, data units. */
  readonly rmse: readonly number[];
  readonly se: readonly number[];
}

/** How a training went, a number for each entry of `x`; null where one has none. */
export interface CurvesData {
  /** Samples that the network had been asked for. */
  readonly x: readonly number[];
  /** What was minimised: of a predictor its loss, of a table the root mean square on what it is fitted to. */
  readonly loss: readonly (number | null)[];
  /** The same on seeds that nothing is trained on, of a predictor after each step; left out where there were none. */
  readonly validation?: readonly (number | null)[];
  /** Seeds that tell the validation loss. */
  readonly validationSeeds?: string;
  /** What the predictor decided in each interval: the mean over the batch of each number of each output. */
  readonly outputs: readonly {
    readonly name: string;
    /** From 0. */
    readonly interval: number;
    readonly values: readonly (number | null)[];
  }[];
}

/** A sampler as a table: x_k = a_k z + b_k0 D_0 + … + b_k,k−1 D_k−1, with D_k = D(x_k; σ_k). */
export interface TableData {
  readonly sigmas: readonly number[];
  /** a_k, b_k0, … of each x_k, and as the last of the sample. */
  readonly rows: readonly (readonly number[])[];
  /** How many numbers of a row belong together, one for each band of spatial frequency; left out: one. */
  readonly bands?: number;
}

/** Tasks of a kind. */
export interface TaskData {
  readonly kind: string;
  readonly computed: number;
  readonly found: number;
  readonly remote: number;
  /** That computing them took, whenever and wherever that was. */
  readonly seconds: number;
  /** Evaluations of single images by the network, where the tasks counted them. */
  readonly evaluations?: number;
}
