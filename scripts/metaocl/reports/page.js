// All that a study holds reaches the page as text: `make` turns whatever is no element into a text node, and there is no
// other way in.
const data = JSON.parse(document.getElementById("content").textContent);
const AT_ONCE = 50; // answers
const { things, stages, left_out: leftOut } = data.answers;
const slugs = (stage) => [stage.dataset, stage.define_type, stage.model, stage.plan];
const cells = data.histories.map((history) => history.cell);
const varying = [0, 1, 2, 3].filter((place) => new Set(cells.map((cell) => cell[place])).size > 1);
const part = (id) => document.getElementById(id);

function furnish(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.flat().filter((child) => child !== null));
  return element;
}
const make = (tag, attributes, ...children) => furnish(document.createElement(tag), attributes, children);
const draw = (tag, attributes, ...children) =>
  furnish(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// A cell by what cells differ in.
const shortName = (cell) => (varying.length ? varying : [0, 1, 2, 3]).map((place) => cell[place]).join(" × ");
const titled = (kind, name) => data.titles[kind][name] ?? name;
const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
const fixed = (value, digits = 3) => (value === null ? "–" : value.toFixed(digits).replace("-", "−"));
const shownP = (value) => (value === null ? "–" : value < 0.001 ? value.toExponential(1).replace("-", "−") : fixed(value));
const capital = (text) => text[0].toUpperCase() + text.slice(1);

// ---------- Answers ----------

// What an answer is chosen by: of its stage, or a column of it.
const CHOICES = [
  { name: "cell", label: "Cell", ofStage: (stage) => slugs(stage).join("/"), shown: (name) => shortName(name.split("/")) },
  { name: "stage", label: "After stage", ofStage: (stage) => String(stage.stage) },
  { name: "seed", label: "Stage-1 seed", ofStage: (stage) => String(stage.seed) },
  { name: "stage2_seed", label: "Stage-2 seed", ofStage: (stage) => String(stage.stage2_seed) },
  { name: "test_set", label: "Test set", column: true, shown: (name) => capital(titled("test_set", name)) },
  { name: "subset", label: "Subset", column: true, shown: (name) => titled("subset", name) },
];
const RIGHT = { name: "right", label: "Right or wrong", values: ["right", "wrong"] };

function valuesOf(choice) {
  const found = new Set();
  for (const stage of stages) {
    if (choice.column) for (const thing of new Set(stage[choice.name])) found.add(things[thing]);
    else found.add(choice.ofStage(stage));
  }
  const order = Object.keys(data.titles[choice.name] ?? {});
  const place = (name) => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...found].sort((one, other) => place(one) - place(other));
}

function questionOf(stage, row) {
  return things[stage.question[row]].join(things[stage.alias[row]][0]);
}

// The texts of a stage's answers, in which words are looked for; made when a stage is first searched.
function searched(stage) {
  stage.texts ??= Array.from(stage.right, (_, row) =>
    [...things[stage.alias[row]], questionOf(stage, row), things[stage.answer[row]], things[stage.gold[row]]]
      .join("\n")
      .toLowerCase(),
  );
  return stage.texts;
}

const wordsOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

// A text with the words that were looked for in it marked; plain where its small letters are more or fewer than it has.
function marked(text, words) {
  const small = text.toLowerCase();
  const found = [];
  let end = 0;
  while (words.length && small.length === text.length) {
    const next = words.map((word) => [small.indexOf(word, end), word]).filter(([start]) => start >= 0);
    if (!next.length) break;
    const [start, word] = next.sort(([one], [other]) => one - other)[0];
    found.push(text.slice(end, start), make("mark", {}, text.slice(start, start + word.length)));
    end = start + word.length;
  }
  return [...found, text.slice(end)];
}

// How many answers are wanted and how many of them are right, and the first of them: stages with numbers of rows.
function find(wanted, words, most) {
  const columns = CHOICES.filter((choice) => choice.column && wanted[choice.name]).map((choice) => choice.name);
  const bit = { right: "1", wrong: "0" }[wanted.right];
  const found = { count: 0, right: 0, rows: [] };
  for (const stage of stages) {
    if (CHOICES.some((choice) => !choice.column && wanted[choice.name] && choice.ofStage(stage) !== wanted[choice.name]))
      continue;
    const numbers = columns.map((name) => things.indexOf(wanted[name]));
    const texts = words.length ? searched(stage) : [];
    for (let row = 0; row < stage.right.length; row++) {
      if (bit && stage.right[row] !== bit) continue;
      if (columns.some((name, place) => stage[name][row] !== numbers[place])) continue;
      if (words.some((word) => !texts[row].includes(word))) continue;
      found.count++;
      if (stage.right[row] === "1") found.right++;
      if (found.rows.length < most) found.rows.push([stage, row]);
    }
  }
  return found;
}

function cell(label, kind, ...children) {
  return make("td", { role: "cell", "data-label": label, class: kind }, ...children);
}

function rowOf(stage, row, words) {
  const [alias, name, definedAs] = things[stage.alias[row]];
  const isRight = stage.right[row] === "1";
  const mark = make("span", { class: "mark", role: "img", "aria-label": isRight ? "right" : "wrong" }, isRight ? "✓" : "✗");
  // Where an answer is from, by what there is a choice of.
  const where = [
    fields.test_set && titled("test_set", things[stage.test_set[row]]),
    fields.cell && shortName(slugs(stage)),
    fields.stage && `stage ${stage.stage}`,
    fields.seed && `seed ${stage.seed}`,
    fields.stage2_seed && `stage-2 seed ${stage.stage2_seed}`,
  ];
  const answer = things[stage.answer[row]] ?? "";
  const text = (shown) => make("span", {}, marked(shown, words));
  return make(
    "tr",
    { role: "row", class: isRight ? "right" : "wrong" },
    cell(
      "Alias",
      "alias",
      make("code", {}, marked(alias, words)),
      name === null || name === alias ? null : make("small", {}, "stands for ", marked(name, words)),
      definedAs === null || definedAs === name ? null : make("small", {}, "defined as ", marked(definedAs, words)),
    ),
    cell("Question", "question", text(questionOf(stage, row))),
    cell("Answer", "answer", make("span", { class: answer ? "" : "nothing" }, mark, marked(answer, words))),
    cell("Gold", "gold", text(things[stage.gold[row]])),
    cell(
      "Where",
      "where",
      make("span", {}, titled("subset", things[stage.subset[row]])),
      make("small", {}, where.filter(Boolean).join(", ")),
    ),
  );
}

const fields = {};
let most = AT_ONCE;

function show() {
  const wanted = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value]));
  const words = wordsOf(wanted.q);
  const found = find(wanted, words, most);
  const share = found.count ? `, ${((100 * found.right) / found.count).toFixed(1)} % right` : "";
  const here = found.rows.length < found.count ? ` The first ${found.rows.length.toLocaleString("en")} are shown.` : "";
  part("found").textContent = `${count(found.count, "answer")}${share}.${here}`;
  part("rows").tBodies[0].replaceChildren(...found.rows.map(([stage, row]) => rowOf(stage, row, words)));
  part("more").hidden = found.rows.length === found.count;
  return wanted;
}

function remember(wanted) {
  const given = Object.entries(wanted).filter(([, value]) => value);
  // In a report the page may be of no address of its own.
  try {
    history.replaceState(null, "", `#${new URLSearchParams(given)}`);
  } catch {}
}

// A link #q=…&stage=2 presets the search; one without = leads to a part of the page.
function recall() {
  if (location.hash && !location.hash.includes("=")) return false;
  const wanted = new URLSearchParams(location.hash.slice(1));
  for (const [name, field] of Object.entries(fields)) {
    field.value = wanted.get(name) ?? "";
    if (field.selectedIndex === -1) field.value = "";
  }
  return true;
}

function buildAnswers() {
  part("shared").hidden = !data.shared;
  const form = part("search");
  fields.q = make("input", { type: "search", name: "q", autocomplete: "off", placeholder: "an alias, a name, a word of a question or answer" });
  form.append(make("label", {}, "Words to look for, all of them", fields.q));
  for (const choice of [...CHOICES, RIGHT]) {
    const values = choice.values ?? valuesOf(choice);
    if (values.length < 2) continue;
    const shown = choice.shown ?? String;
    const options = values.map((value) => make("option", { value }, shown(value)));
    fields[choice.name] = make("select", { name: choice.name }, make("option", { value: "" }, "any"), options);
    form.append(make("label", {}, choice.label, fields[choice.name]));
  }
  const headings = ["Alias", "Question", "Answer", "Gold answer", "Where"].map((text, place) =>
    make("th", { role: "columnheader", scope: "col", class: ["alias", "question", "answer", "gold", "where"][place] }, text),
  );
  furnish(part("rows"), { role: "table", "aria-labelledby": "answers-title" }, [
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, headings)),
    make("tbody", { role: "rowgroup" }),
  ]);
  let waiting;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    most = AT_ONCE;
    waiting = setTimeout(() => remember(show()), 120);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  part("more").addEventListener("click", () => {
    most += AT_ONCE;
    show();
  });
  addEventListener("hashchange", () => {
    if (recall()) show();
  });
  recall();
  show();
  if (!leftOut.length) return;
  const files = leftOut.map((file) => make("li", {}, make("code", {}, file)));
  part("left-out").append(
    make("p", {}, `The answers of ${count(leftOut.length, "stage")} are not in this page, which would be too large with them. They lie in the results:`),
    make("details", {}, make("summary", {}, "Files"), make("ul", { class: "files" }, files)),
  );
}

// ---------- History ----------

// A fold whose content is made when it is first opened: a large study has many charts.
function fold(title, isOpen, fill) {
  const details = make("details", {}, make("summary", {}, title));
  const filled = () => {
    if (details.open && details.children.length === 1) details.append(fill());
  };
  details.addEventListener("toggle", filled);
  details.open = isOpen;
  filled();
  return details;
}

function buildHistory() {
  data.histories.forEach((history, place) => {
    const title = `${shortName(history.cell)} (${count(history.seeds, "seed")})`;
    const charts = () => make("div", { class: "charts" }, history.charts.map((chart) => chartOf(chart, history.starts)));
    part("history").append(fold(title, place < 2, charts));
  });
}

// ---------- Effects, claims ----------

function effectTable(group) {
  const ends = group.rows.flatMap((row) => [row.mean, row.ci_low ?? row.mean, row.ci_high ?? row.mean]);
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const labels = ["Cell", "Gap [CI]", "", "p (t)", "p (flip)", "d", "Seeds"];
  const body = group.rows.map((row) => {
    const interval = row.ci_low === null ? "" : ` [${fixed(row.ci_low)}, ${fixed(row.ci_high)}]`;
    const texts = [shortName(row.cell), fixed(row.mean) + interval, intervalOf(row, low, high)];
    texts.push(shownP(row.p_value), shownP(row.p_sign_flip), fixed(row.effect_size, 2), String(row.n_seeds));
    return make("tr", { role: "row" }, texts.map((text, place) => cell(labels[place], place ? "number" : "", make("span", {}, text))));
  });
  const head = labels.map((label) => make("th", { role: "columnheader", scope: "col" }, label));
  return make(
    "table",
    { class: "effect", role: "table", "aria-label": group.title },
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, head)),
    make("tbody", { role: "rowgroup" }, body),
  );
}

function buildEffects() {
  const named = (group) => `${capital(group.title)}, in ${group.measure}`;
  for (const group of data.effects.filter((each) => each.headline))
    part("effects").append(make("h3", {}, named(group)), effectTable(group));
  for (const group of data.effects.filter((each) => !each.headline))
    part("effects").append(fold(named(group), false, () => effectTable(group)));
}

function buildClaims() {
  if (!data.verdicts.length) {
    part("claims").append(make("p", {}, "None was judged: no claim of the configuration's files is tested by this study."));
    return;
  }
  const verdicts = data.verdicts.map((claim) =>
    make(
      "li",
      {},
      make("span", { class: `verdict ${claim.verdict}` }, capital(claim.verdict)),
      `: ${claim.statement}`,
      make("br", {}),
      make("small", {}, make("code", {}, claim.claim), ` ${claim.reason}${claim.seeds_needed === null ? "" : ` Seeds needed: ${claim.seeds_needed}.`}`),
    ),
  );
  part("claims").append(
    make("p", { class: "hint" }, "What this study says of the claims that it tests. A verdict speaks of the models that it was found with, and of no larger ones."),
    make("ul", { class: "verdicts" }, verdicts),
  );
}

// ---------- Settings, environment ----------

const isSection = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function listed(entries) {
  return make("dl", {}, Object.entries(entries).flatMap(([key, value]) => [make("dt", {}, key), make("dd", {}, valueOf(value))]));
}

function valueOf(value) {
  if (Array.isArray(value) && value.some(isSection)) return listed(Object.fromEntries(value.map((each, place) => [place + 1, each])));
  if (Array.isArray(value)) return value.length ? value.map(String).join(", ") : "none";
  if (isSection(value)) return Object.keys(value).length ? listed(value) : "none";
  return value === null ? "–" : String(value);
}

function buildSettings() {
  for (const [section, entries] of Object.entries(data.settings)) {
    if (section === "study") part("settings").append(fold("study", true, () => listed(entries)));
    else
      for (const [name, entry] of Object.entries(entries))
        part("settings").append(fold(`${section}: ${name}`, false, () => listed(entry)));
  }
}

function buildEnvironment() {
  for (const { stages: made, code, python, packages, machine } of data.environments) {
    const commit = code.commit === null ? "an unknown commit" : `commit ${code.commit}${code.clean ? "" : ", with changes"}`;
    const files = made.map((folder) => make("li", {}, make("code", {}, `${folder}/run.json`)));
    part("environment").append(
      make("h3", {}, `${count(made.length, "stage")} by ${commit}`),
      listed({ ...machine, python, ...packages }),
      fold("Their files", false, () => make("ul", { class: "files" }, files)),
    );
  }
}

const total = stages.reduce((sum, stage) => sum + stage.right.length, 0);
part("about").textContent = [
  count(cells.length, "cell"),
  count(data.settings.study.seeds.length, "stage-1 seed"),
  `${count(total, "answer")}${leftOut.length ? ", more in files" : ""}`,
].join(" · ");
part("about").after(...data.notes.map((note) => make("p", { class: "hint" }, note)));
buildAnswers();
buildHistory();
buildEffects();
buildClaims();
buildSettings();
buildEnvironment();
