import type { PicturesData, ReportData } from './report-data.js';

/** `points.json`: all that the page shows, without its pictures. */
export function pointsJson(data: ReportData): string {
  const withoutSheet = <T extends { readonly pictures?: PicturesData }>({ pictures, ...one }: T) => {
    if (!pictures) return one;
    const { sheet: _, ...kept } = pictures;
    return { ...one, pictures: kept };
  };
  return `${JSON.stringify({ ...data, points: data.points.map(withoutSheet), teachers: data.teachers.map(withoutSheet) }, null, 1)}\n`;
}
