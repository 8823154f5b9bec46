"use strict";
(function () {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function themed(layout) {
    const ink = colour("--ink"), line = colour("--line"), soft = colour("--soft");
    const axis = { gridcolor: line, zerolinecolor: soft, linecolor: line, tickcolor: line };
    return Object.assign({}, layout, {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: 12, color: ink },
      hoverlabel: { bgcolor: colour("--card"), bordercolor: line, font: { color: ink } },
      xaxis: Object.assign({}, axis, layout.xaxis),
      yaxis: Object.assign({}, axis, layout.yaxis),
    });
  }

  function draw() {
    document.querySelectorAll("[data-figure]").forEach(function (place) {
      const figure = figures[place.dataset.figure];
      const data = figure.data.map(function (trace) {
        // The colour of what must stand out from bars follows the theme.
        if (!trace.meta || trace.meta !== "ink") return trace;
        return Object.assign({}, trace, {
          marker: Object.assign({}, trace.marker, {
            color: colour("--ink"), line: { color: colour("--card"), width: 1.5 },
          }),
        });
      });
      Plotly.react(place, data, themed(figure.layout), { responsive: true, displayModeBar: false });
    });
  }

  draw();
  dark.addEventListener("change", draw);
})();
