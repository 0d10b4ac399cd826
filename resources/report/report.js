// Opens the play that a link leads to, and draws charts with uPlot. The page says everything else
// without a script.
"use strict";
const unfold = () => {
  const play = document.getElementById(location.hash.slice(1));
  if (play instanceof HTMLDetailsElement) {
    play.open = true;
    play.scrollIntoView();
  }
};
addEventListener("hashchange", unfold);
unfold();
for (const place of document.querySelectorAll(".charts")) {
  const data = JSON.parse(document.getElementById(place.dataset.values).textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const lines = ["--bar", "--saved", "--lost"];

  const shade = (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    for (const [from, to] of data.drops) {
      const left = plot.valToPos(from, "x", true);
      const right = Math.max(plot.valToPos(to, "x", true), left + 2 * devicePixelRatio);
      ctx.globalAlpha = 0.15;
      ctx.fillStyle = colour("--lost");
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
    ctx.globalAlpha = 1;
    ctx.strokeStyle = colour("--lost");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const fault of data.faults) {
      const x = plot.valToPos(fault.at, "x", true);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  };

  const draw = (chart) => {
    const box = document.createElement("div");
    const title = document.createElement("h4");
    title.textContent = `${chart.title} (${chart.unit})`;
    box.append(title);
    place.append(box);
    const axis = (more) => ({
      stroke: colour("--quiet"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { stroke: colour("--line"), width: 1 },
      ...more,
    });
    const most = Math.max(0, ...chart.lines.flatMap((line) => line.y));
    const number = (value) => (value === null || value === undefined ? "–" : `${+value.toFixed(2)}`);
    const plot = new uPlot(
      {
        width: box.clientWidth,
        height: 170,
        cursor: { sync: { key: place.dataset.values }, drag: { x: true, y: false } },
        scales: { x: { time: false }, y: { range: [0, most > 0 ? most * 1.1 : 1] } },
        axes: [
          axis({ values: (_, at) => at.map((each) => `${each} s`) }),
          axis({ size: 46 }),
        ],
        series: [
          { label: "at", value: (_, value) => (value === null ? "–" : `${number(value)} s`) },
          ...chart.lines.map((line, index) => ({
            label: line.label,
            stroke: colour(lines[index % lines.length]),
            width: 1.5,
            points: { show: false },
            value: (_, value) => number(value),
          })),
        ],
        hooks: { drawClear: [shade] },
      },
      [data.x, ...chart.lines.map((line) => line.y)],
      box,
    );
    new ResizeObserver(() => {
      const width = box.clientWidth;
      if (width > 0 && width !== plot.width) plot.setSize({ width, height: 170 });
    }).observe(box);
  };

  // What is folded up has no width: its charts are drawn when it is opened.
  const drawAll = () => data.charts.forEach(draw);
  const folded = place.closest("details");
  if (folded === null || folded.open) drawAll();
  else folded.addEventListener("toggle", drawAll, { once: true });
}
