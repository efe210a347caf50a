export { resultsCsv } from './csv.js';
export { resultsTex } from './latex.js';
export { type PageOptions, page } from './page.js';
export { pointsJson } from './points-json.js';
export type {
  CurvesData,
  Figure,
  GroupData,
  IntervalsData,
  MetricData,
  PathsData,
  PicturesData,
  PointData,
  ReportData,
  TableData,
  TaskData,
  TeacherData,
} from './report-data.js';
