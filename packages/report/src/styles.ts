/** The page's style. Colours are told apart by people who see few of them, and have a contrast of 3 on either ground. */
export const styles = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#fbfbfa, #131518);
  --card: light-dark(#ffffff, #1c1f24);
  --ink: light-dark(#1b1d21, #e7e8ea);
  --soft: light-dark(#555a63, #a9afb9);
  --faint: light-dark(#8a9099, #7c838e);
  --line: light-dark(#dfe1e5, #32363d);
  --accent: light-dark(#0b5cad, #7ab8ff);
  --wash: light-dark(#eef4fb, #1d2a3a);
  --c0: light-dark(#0068a8, #56b4e9);
  --c1: light-dark(#c24e00, #f58a3c);
  --c2: light-dark(#00805c, #2fc79a);
  --c3: light-dark(#a83e78, #e39ac4);
  --c4: light-dark(#8a6900, #f0c040);
  --c5: light-dark(#5b4bb5, #a99bff);
  --c6: light-dark(#4a4f57, #c4c9d1);
  --c7: light-dark(#8c3b2e, #e5786a);
}
:root[data-theme='light'] { color-scheme: light; }
:root[data-theme='dark'] { color-scheme: dark; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif;
}
main { max-width: 1180px; margin: 0 auto; padding: 0 20px 60px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 18px; padding: 26px 0 10px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 0 0 12px; }
h3 { font-size: 15px; margin: 18px 0 6px; }
header p { margin: 0; }
nav { display: flex; flex-wrap: wrap; gap: 2px 14px; margin-left: auto; }
a, .link { color: var(--accent); }
section { margin: 26px 0 34px; scroll-margin-top: 12px; }
.faint { color: var(--soft); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
/* a label may turn the direction of writing: of its own alone */
button, td, th, dd, dt, span, strong, figcaption { unicode-bidi: isolate; }
button, select, input { font: inherit; color: inherit; }
button, select, input[type='search'], input[type='number'] {
  background: var(--card); border: 1px solid var(--line); border-radius: 7px; padding: 5px 10px; min-height: 34px;
}
button { cursor: pointer; }
button:hover { border-color: var(--faint); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.link, .sort { background: none; border: 0; padding: 0; min-height: 24px; text-align: inherit; }
.link { text-decoration: underline; text-decoration-color: var(--line); text-underline-offset: 3px; }
.link:hover { text-decoration-color: currentColor; }
.sort { font-weight: 600; white-space: nowrap; }
.sort:hover { color: var(--accent); }
.chip { border-radius: 999px; margin: 3px 4px 3px 0; padding: 2px 12px; }
.theme { white-space: nowrap; }
.controls { display: flex; flex-wrap: wrap; gap: 10px 14px; align-items: end; margin: 0 0 12px; }
.control { display: flex; flex-direction: column; gap: 2px; }
.control > span { font-size: 12px; color: var(--soft); }
.control select { max-width: 240px; }
.control.wide { flex: 1 1 220px; max-width: 380px; }
.check { display: flex; gap: 7px; align-items: center; min-height: 34px; }
.best { list-style: none; margin: 0 0 14px; padding: 0; display: flex; flex-direction: column; }
.best li {
  display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 14px; padding: 6px 12px;
  border-left: 3px solid var(--c2);
}
.best li + li { margin-top: 4px; }
.best .cost { color: var(--soft); min-width: 4.4em; }
.best .figure { font-variant-numeric: tabular-nums; font-weight: 600; }
.scrolled { position: relative; overflow-x: auto; border: 1px solid var(--line); border-radius: 9px; background: var(--card); max-width: 100%; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 12px; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr:last-child > * { border-bottom: 0; }
tbody th { font-weight: 400; }
tfoot th, tfoot td { font-weight: 600; border-top: 1px solid var(--faint); border-bottom: 0; }
thead th { font-weight: 600; background: var(--card); white-space: nowrap; }
td.number, th.number { text-align: right; white-space: nowrap; }
#results tbody th { min-width: 11em; }
tbody tr:hover { background: var(--wash); }
.mark { color: var(--c2); }
.heat td, .heat th { padding: 5px 9px; border: 0; }
.notes { color: var(--soft); padding-left: 1.2em; font-size: 14px; }
figure { margin: 0 0 16px; max-width: 100%; min-width: 0; }
figure svg { max-width: 100%; height: auto; --plot-background: var(--card); }
figcaption { color: var(--soft); font-size: 13px; margin: 2px 0 4px; max-width: 70ch; }
details summary { cursor: pointer; color: var(--soft); font-size: 13px; min-height: 24px; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 16px; padding: 0; margin: 0 0 18px; font-size: 13px; }
.legend li { display: flex; align-items: center; gap: 6px; }
.legend svg { flex: none; }
.swatch { width: 14px; height: 4px; border-radius: 2px; }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(280px, 100%), 1fr)); gap: 6px 22px; }
dialog .multiples { grid-template-columns: repeat(auto-fill, minmax(min(400px, 100%), 1fr)); }
.compare { display: flex; flex-wrap: wrap; gap: 16px 28px; align-items: flex-start; margin-bottom: 18px; }
.pair { width: 240px; }
.stack { position: relative; overflow: hidden; border-radius: 6px; background: #000; }
.stack .over { position: absolute; inset: 0; clip-path: inset(0 calc(100% - var(--cut)) 0 0); }
.stack::after {
  content: ''; position: absolute; top: 0; bottom: 0; left: var(--cut); width: 2px; margin-left: -1px; background: #fff;
  box-shadow: 0 0 0 1px #0006;
}
.sides { display: flex; justify-content: space-between; gap: 10px; font-size: 13px; margin-top: 4px; }
.sides span:last-child { text-align: right; }
.pair input { width: 100%; margin: 6px 0 0; accent-color: var(--accent); min-height: 24px; }
.strip { display: flex; flex-wrap: wrap; gap: 10px 14px; flex: 1 1 300px; }
.strip h3 { flex: 1 0 100%; margin: 0; }
.strip figure { margin: 0; width: 104px; }
.strip figcaption { overflow-wrap: anywhere; line-height: 1.3; font-size: 12.5px; }
.image { border-radius: 4px; }
.grid { overflow-x: auto; border: 1px solid var(--line); border-radius: 9px; background: var(--card); padding: 8px 0; max-width: 100%; }
.row { display: flex; align-items: center; gap: 3px; width: max-content; padding: 2px 10px 2px 0; }
.row .name {
  position: sticky; left: 0; width: 176px; flex: none; padding: 0 12px; background: var(--card); font-size: 13px;
  line-height: 1.25; overflow-wrap: anywhere; z-index: 1;
}
.row .head { text-align: center; font-size: 12px; color: var(--soft); font-variant-numeric: tabular-nums; }
.row button {
  border: 0; border-radius: 3px; padding: 0; min-height: 0; background-color: transparent; background-image: var(--sheet);
  background-repeat: no-repeat; flex: none;
}
.row button.same { outline: 3px solid var(--accent); outline-offset: -1px; }
.row button:focus-visible { outline: 3px solid var(--c1); }
.none { display: inline-block; color: var(--soft); font-size: 12px; }
.pairs { margin: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(320px, 100%), 1fr)); gap: 0 24px; }
.pairs > div { display: flex; gap: 12px; padding: 3px 0; border-bottom: 1px solid var(--line); }
.pairs dt { color: var(--soft); flex: 0 0 11.5em; overflow-wrap: anywhere; }
.pairs dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(440px, 100%), 1fr)); gap: 14px; margin-bottom: 18px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 9px; padding: 4px 16px 14px; min-width: 0; }
.card .pairs { grid-template-columns: 1fr; }
dialog.point {
  width: min(980px, calc(100vw - 24px)); max-height: calc(100dvh - 24px); overflow: auto; color: var(--ink);
  background: var(--ground); border: 1px solid var(--line); border-radius: 12px; padding: 18px 22px 26px;
}
dialog::backdrop { background: #0008; }
dialog h2 { margin-right: 48px; overflow-wrap: anywhere; }
dialog h2:focus { outline: none; }
.close { position: sticky; top: 0; float: right; z-index: 2; }
.sheet { max-width: 100%; height: auto; border-radius: 6px; display: block; }
pre { overflow: auto; background: var(--card); border: 1px solid var(--line); border-radius: 9px; padding: 12px; font-size: 13px; }
.alert { border: 1px solid var(--c1); border-radius: 9px; padding: 10px 16px; }
.progress { position: sticky; top: 0; z-index: 3; background: var(--wash); padding: 8px 12px; border-radius: 9px; }
.arrow { font-size: 11px; }
@media (max-width: 640px) {
  main { padding: 0 12px 40px; }
  nav { margin-left: 0; }
  .row .name { width: 104px; padding: 0 8px; }
  #results tbody th:first-child, #results thead th:first-child { position: sticky; left: 0; background: var(--card); z-index: 1; }
  #results tbody th { min-width: 8em; max-width: 9em; }
  th, td { padding: 6px 9px; }
  .pairs dt { flex-basis: 7.5em; }
}
@media print {
  :root { color-scheme: light; }
  nav, .controls, .theme, input[type='range'], details, .close { display: none; }
  main { max-width: none; padding: 0; }
  section, figure, .card, tr { break-inside: avoid; }
  #results { break-inside: auto; }
  .scrolled { overflow: visible; border: 0; }
  .grid { overflow: hidden; }
  * { print-color-adjust: exact; }
}
`;
