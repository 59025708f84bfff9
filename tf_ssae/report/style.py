"""The style sheet of a report: one column that fits a phone, light and dark."""

STYLE = """
:root {
  --ground: #fff; --panel: #f5f6f8; --text: #1d2127; --muted: #626a75; --line: #d5d9df;
  --normal: #4477aa; --anomalous: #cc3311; --warning: #b35c00; --warning-ground: #fff4e0;
  --teal: #00857a; --orange: #d9660f; --purple: #aa3377; --cyan: #1696c4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15181c; --panel: #1e2228; --text: #e4e7eb; --muted: #9aa3ae; --line: #3a414a;
    --normal: #6ea3d8; --anomalous: #f0684a; --warning: #f0a94a; --warning-ground: #33260f;
    --teal: #2bb3a6; --orange: #f08a3c; --purple: #d977ae; --cyan: #55bfe6;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--text); -webkit-text-size-adjust: 100%;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1160px; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1, h2, h3, p, dd, .name, td bdi { overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .5rem; }
p { margin: 0 0 .75rem; max-width: 46rem; }
section, details { margin-top: 2.5rem; }
summary { cursor: pointer; font-size: 1.2rem; font-weight: 600; margin-bottom: .5rem; }
.muted { color: var(--muted); font-weight: 400; font-size: .875rem; }

.facts {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 8.5rem), 1fr)); gap: .75rem 1.25rem;
  margin: 0 0 1rem; padding: .75rem 1rem; background: var(--panel); border-radius: 6px;
}
.facts div { min-width: 0; }
.facts dt { color: var(--muted); font-size: .8125rem; }
.facts dd { margin: 0; font-weight: 600; }
.facts .sentence { grid-column: 1 / -1; }
.facts .sentence dd { font-weight: 400; }
.warning {
  max-width: none; margin: 0 0 .5rem; padding: .6rem .75rem; border-left: 4px solid var(--warning);
  background: var(--warning-ground); border-radius: 4px;
}

.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9375rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem 1.25rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--muted); font-size: .8125rem; font-weight: 400; }
td { min-width: 5rem; }
td bdi { display: inline-block; min-width: 10rem; }
td .muted { white-space: nowrap; }

.badge { border: 1px solid; border-radius: 1em; padding: 0 .6em; font-size: .8125rem; font-weight: 600; white-space: nowrap; }
.badge.normal { color: var(--normal); }
.badge.anomalous { background: var(--anomalous); border-color: var(--anomalous); color: var(--ground); }

.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1.5rem; }
figure { margin: 0; min-width: 0; }
.charts figcaption { font-weight: 600; }
.chart { display: block; width: 100%; height: auto; }
.chart text { font-size: 11.5px; fill: var(--muted); }
.chart path, .chart polyline { fill: none; stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.chart .grid { stroke: var(--line); stroke-width: .5; }
.chart .axis { stroke: var(--muted); stroke-width: 1; }
.chart .threshold { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 5 3; }
.chart .dot { fill: var(--text); stroke: var(--ground); stroke-width: 1.5; }
.chart .curve0 { stroke: var(--text); stroke-width: 2; }
.chart .curve1 { stroke: var(--teal); }
.chart .curve2 { stroke: var(--orange); }
.chart .curve3 { stroke: var(--purple); }
.chart .curve4 { stroke: var(--cyan); }
.chart .chance { stroke: var(--muted); stroke-dasharray: 4 4; stroke-width: 1; }
.chart .normal { fill: var(--normal); fill-opacity: .5; }
.chart .anomalous { fill: var(--anomalous); fill-opacity: .5; }
.chart .scored { fill: var(--muted); fill-opacity: .4; }
.chart .calibration { stroke: var(--normal); stroke-width: 1.5; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0 1rem; margin: .25rem 0 0; padding: 0; font-size: .8125rem; }
.swatch { display: inline-block; width: 1rem; height: .75rem; margin-right: .4rem; vertical-align: -1px; border-radius: 2px; }
.swatch.normal { background: var(--normal); opacity: .6; }
.swatch.anomalous { background: var(--anomalous); opacity: .6; }
.swatch.scored { background: var(--muted); opacity: .5; }
.swatch.calibration { border: 2px solid var(--normal); }
.swatch[class*=curve], .swatch.chance { height: 3px; vertical-align: 4px; }
.swatch.curve0 { background: var(--text); }
.swatch.curve1 { background: var(--teal); }
.swatch.curve2 { background: var(--orange); }
.swatch.curve3 { background: var(--purple); }
.swatch.curve4 { background: var(--cyan); }
.swatch.chance { height: 0; border-top: 2px dashed var(--muted); border-radius: 0; }

.bar { display: inline-block; width: 100%; height: .5rem; background: var(--line); border-radius: 3px; overflow: hidden; }
.bar i { display: block; height: 100%; background: var(--muted); }
td .bar { width: 8rem; }

.aid { background: var(--panel); border-radius: 6px; padding: .75rem; margin-bottom: 1rem; font-size: .875rem; }
.aid p { margin: 0; max-width: none; }
.aid p + p { margin-top: .35rem; }
.scale span { white-space: nowrap; }
.scale img { width: 8rem; height: .875rem; vertical-align: -2px; image-rendering: pixelated; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1rem; }
article { border: 1px solid var(--line); border-radius: 6px; padding: .75rem; min-width: 0; }
article header { display: flex; justify-content: space-between; align-items: flex-start; gap: .5rem; margin-bottom: .5rem; }
.name { font-weight: 600; font-size: .875rem; min-width: 0; }
.images { display: grid; grid-template-columns: repeat(3, 1fr); gap: .5rem; }
.images img { display: block; width: 100%; height: auto; }
.images figcaption { color: var(--muted); font-size: .75rem; }
.pixelated { image-rendering: pixelated; }
.about { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; margin-top: .5rem; font-size: .8125rem; }
.about dl, .about ol { margin: 0; padding: 0; list-style: none; font-variant-numeric: tabular-nums; }
.about dl div { display: flex; justify-content: space-between; gap: .5rem; }
.about dd { margin: 0; }
.decides { font-weight: 600; }
.rotations li { display: grid; grid-template-columns: 2.2rem 1fr 2.2rem; gap: .25rem; align-items: center; }
.rotations li span:last-child { text-align: right; }
"""
