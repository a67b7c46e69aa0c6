"use strict";

// The drawings of a study's page: charts of its history, intervals of its effects. They use the helpers of page.js.

const [WIDTH, HEIGHT, LEFT, RIGHT_EDGE, TOP, BOTTOM] = [360, 210, 40, 352, 18, 186];

// Round numbers from 0 to `highest` or a little above, four or five of them.
function ticks(highest) {
  const rough = highest / 4 || 0.25;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough * 0.999);
  return Array.from({ length: Math.ceil(highest / step - 1e-9) + 1 }, (_, place) => place * step);
}

function chartOf(chart, starts) {
  const present = (values) => values.filter((value) => value !== null);
  const epochs = [...new Set(chart.lines.flatMap((line) => line.epochs))].sort((one, other) => one - other);
  const marks = ticks(Math.max(0.05, ...chart.lines.flatMap((line) => [...present(line.mean), ...present(line.high)])));
  const [first, last, top] = [Math.min(1, epochs[0]), epochs.at(-1), marks.at(-1)];
  const x = (epoch) => LEFT + ((epoch - first) / Math.max(1, last - first)) * (RIGHT_EDGE - LEFT);
  const y = (value) => BOTTOM - (value / top) * (BOTTOM - TOP);
  const points = (line, values) =>
    line.epochs.flatMap((epoch, place) => (values[place] === null ? [] : [`${x(epoch).toFixed(1)},${y(values[place]).toFixed(1)}`]));
  const picture = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", tabindex: 0, "aria-label": chart.title });
  for (const mark of marks) {
    picture.append(draw("line", { class: "grid", x1: LEFT, x2: RIGHT_EDGE, y1: y(mark), y2: y(mark) }));
    picture.append(draw("text", { x: LEFT - 6, y: y(mark) + 4, "text-anchor": "end" }, String(+mark.toPrecision(3))));
  }
  for (const epoch of ticks(last).filter((mark) => Number.isInteger(mark) && mark >= first && mark <= last))
    picture.append(draw("text", { x: x(epoch), y: BOTTOM + 15, "text-anchor": "middle" }, String(epoch)));
  starts.forEach((start, place) => {
    if (place) picture.append(draw("line", { class: "border", x1: x(start + 0.5), x2: x(start + 0.5), y1: TOP, y2: BOTTOM }));
    if (starts.length > 1)
      picture.append(draw("text", { x: x(place ? start + 0.5 : first) + 3, y: TOP - 6 }, place ? `${place + 1}` : "stage 1"));
  });
  for (const line of chart.lines) {
    const band = [...points(line, line.low), ...points(line, line.high).reverse()];
    if (band.length) picture.append(draw("polygon", { class: "band", "data-line": line.name, points: band.join(" ") }));
  }
  for (const line of chart.lines) {
    const through = points(line, line.mean);
    picture.append(draw("polyline", { class: "line", "data-line": line.name, points: through.join(" ") }));
    const [cx, cy] = through.length ? through.at(-1).split(",") : [-9, -9];
    picture.append(draw("circle", { class: "point", "data-line": line.name, cx, cy, r: 2.5 }));
  }
  return readable(picture, chart, epochs, x);
}

// A chart with its legend, which has the values of the epoch that is pointed at, first of the last one.
function readable(picture, chart, epochs, x) {
  const cursor = draw("line", { class: "cursor", y1: TOP, y2: BOTTOM, visibility: "hidden" });
  picture.append(cursor);
  const caption = make("figcaption", {}, chart.title);
  const values = chart.lines.map(() => make("span", { class: "number" }));
  const legend = chart.lines.map((line, place) =>
    make(
      "li",
      {},
      draw("svg", { width: 26, height: 8, "aria-hidden": "true" }, draw("line", { class: "line", "data-line": line.name, x1: 0, x2: 26, y1: 4, y2: 4 })),
      make("span", {}, titled("subset", line.name)),
      values[place],
    ),
  );
  const head = make("li", {}, make("span", {}), make("small", { class: "number" }));
  let place = epochs.length - 1;
  function read() {
    head.lastChild.textContent = `epoch ${epochs[place]}`;
    chart.lines.forEach((line, number) => {
      const there = line.epochs.indexOf(epochs[place]);
      values[number].textContent = there < 0 ? "–" : fixed(line.mean[there]);
    });
    furnish(cursor, { x1: x(epochs[place]), x2: x(epochs[place]) }, []);
  }
  const pointAt = (next) => {
    place = Math.max(0, Math.min(epochs.length - 1, next));
    cursor.setAttribute("visibility", "visible");
    read();
  };
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * WIDTH;
    const distances = epochs.map((epoch) => Math.abs(x(epoch) - at));
    pointAt(distances.indexOf(Math.min(...distances)));
  });
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      event.preventDefault();
      pointAt(place + step);
    }
  });
  read();
  return make("figure", {}, caption, picture, make("ul", { class: "legend" }, head, legend));
}

// An effect with its interval, on a scale from `low` to `high`, and a dashed line at 0.
function intervalOf(row, low, high) {
  const x = (value) => 4 + (152 * (value - low)) / (high - low || 1);
  const picture = draw("svg", { width: 160, height: 18, "aria-hidden": "true" });
  picture.append(draw("line", { class: "border", x1: x(0), x2: x(0), y1: 0, y2: 18 }));
  if (row.ci_low !== null)
    picture.append(draw("line", { class: "interval", x1: x(row.ci_low), x2: x(row.ci_high), y1: 9, y2: 9 }));
  picture.append(draw("circle", { class: "mean", cx: x(row.mean), cy: 9, r: 4 }));
  return picture;
}
