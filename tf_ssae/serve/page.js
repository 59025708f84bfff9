"use strict";
// What this page knows of photos is here, and gone when it is closed.
const LAST = 50;
const THUMB = 112;
const PATIENCE_MS = 60000;
const $ = (id) => document.getElementById(id);
const WORDS = { normal: "Normal", review: "Review", anomaly: "Anomaly" };

let model = null;
let photos = []; // The last ones, the newest first.
let shown = null;
let other = null; // Another threshold, while one is tried.
let range = [0, 1]; // Of the ruler and the slider below it.

const number = (value) => Number(value.toPrecision(4)).toString();
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)}%`;
const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};
const drawn = (name, attributes, text = "") => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
};

function decision(score, threshold) {
  if (score > threshold) return "anomaly";
  const review = model.review_threshold;
  return review !== null && review <= threshold && score > review ? "review" : "normal";
}

// Photos in: one after the other, so that a phone keeps no more than one in memory.

let line = Promise.resolve();
function give(files) {
  const given = [...files];
  for (const file of given) line = line.then(() => judge(file));
}

async function judge(file) {
  const name = file.name || "photo";
  say("");
  if (file.size > model.largest_body) {
    return say(`${name}: more than ${model.largest_body >> 20} MB; send a smaller photo.`);
  }
  $("busy").textContent = `Looking at ${name} …`;
  try {
    const response = await fetch("predict?show=true", {
      method: "POST",
      body: file,
      headers: { "Content-Type": "application/octet-stream" },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const answer = await response.json();
    if (!response.ok) return say(`${name}: ${answer.error}`);
    keep({ name, answer, source: answer.preview || URL.createObjectURL(file) });
  } catch (error) {
    say(`${name}: the server does not answer (${error.message}).`);
  } finally {
    $("busy").textContent = "";
  }
}

function say(sentence) {
  $("error").textContent = sentence;
  $("error").hidden = !sentence;
}

function keep(photo) {
  photo.thumb = element("canvas", { width: THUMB, height: THUMB });
  photos.unshift(photo);
  for (const old of photos.splice(LAST)) {
    if (old !== shown) URL.revokeObjectURL(old.source);
  }
  show(photo);
  thumbnail(photo);
}

async function thumbnail(photo) {
  const image = new Image();
  image.src = photo.source;
  await image.decode().catch(() => {});
  const side = Math.min(image.naturalWidth, image.naturalHeight);
  if (!side) return;
  const [left, top] = [(image.naturalWidth - side) / 2, (image.naturalHeight - side) / 2];
  photo.thumb.getContext("2d").drawImage(image, left, top, side, side, 0, 0, THUMB, THUMB);
}

$("choose").onchange = $("take").onchange = (event) => {
  give(event.target.files);
  event.target.value = ""; // So that the same file may be chosen again.
};
document.addEventListener("paste", (event) => give(event.clipboardData.files));
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.add("over");
  });
}
for (const kind of ["dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    if (kind === "drop") give(event.dataTransfer.files);
  });
}

// A phone's own camera; another, where browsers allow it: on this machine, or over HTTPS.

$("touch").hidden = !navigator.maxTouchPoints;
$("watch").hidden = !(window.isSecureContext && navigator.mediaDevices?.getUserMedia);
$("watch").onclick = async () => {
  say("");
  try {
    const wanted = { video: { facingMode: { ideal: "environment" }, width: { ideal: 1920 } } };
    $("video").srcObject = await navigator.mediaDevices.getUserMedia(wanted);
    $("camera").hidden = false;
    await $("video").play();
    $("shoot").focus();
  } catch (error) {
    say(`The camera cannot be used: ${error.message}.`);
  }
};
$("shoot").onclick = () => {
  const video = $("video");
  const canvas = element("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  const name = `camera ${new Date().toLocaleTimeString()}.png`;
  canvas.toBlob((blob) => give([new File([blob], name)]), "image/png");
};
$("unwatch").onclick = () => {
  for (const track of $("video").srcObject?.getTracks() ?? []) track.stop();
  $("video").srcObject = null;
  $("camera").hidden = true;
  $("watch").focus();
};

// What is shown.

function show(photo) {
  if (shown && shown !== photo && !photos.includes(shown)) URL.revokeObjectURL(shown.source);
  shown = photo;
  const answer = photo.answer;
  $("result").hidden = false;
  $("shown-name").textContent = photo.name;
  $("decision").textContent = WORDS[answer.decision];
  $("decision").className = answer.decision;
  $("sentence").textContent = sentence(answer);
  $("photo").src = photo.source;
  $("photo").alt = `${photo.name}, ${answer.width} by ${answer.height} pixels`;
  $("photo").classList.toggle("tiny", Math.max(answer.width, answer.height) < 256);
  $("map").hidden = !answer.map;
  $("map-choice").hidden = !answer.map;
  if (answer.map) $("map").src = answer.map;
  $("boxes").setAttribute("viewBox", `0 0 ${answer.width} ${answer.height}`);
  const boxes = answer.regions || [];
  $("boxes").replaceChildren(
    ...boxes.map(({ box: [x, y, width, height] }) => drawn("rect", { x, y, width, height })),
  );
  $("where").textContent = boxes
    .slice(0, 5)
    .map(({ box: [x, y, w, h], peak }) => `${w} × ${h} pixels at ${x}, ${y}: ${number(peak)} times the level`)
    .join("; ");
  draw();
}

function sentence(answer) {
  const side = answer.decision === "anomaly" ? "above" : "at most";
  const parts = [`${model.deciding_score} is ${number(answer.score)}, ${side} the threshold ${number(model.threshold)}.`];
  if (answer.decision === "review") parts.push(`Above ${number(model.review_threshold)}: a person is to look at it.`);
  if (answer.p_value !== null) parts.push(`${percent(answer.p_value)} of normal images score as high.`);
  if (answer.why && answer.why !== model.deciding_score) parts.push(`Why: ${answer.why}.`);
  return parts.join(" ");
}

function draw() {
  setRange();
  drawRuler();
  drawVerdict();
  drawList();
}

function setRange() {
  const held = model.scores;
  const low = Math.min(held[0], model.threshold);
  const high = Math.max(held[held.length - 1], model.threshold);
  const span = high - low || Math.abs(high) || 1;
  // What is far above is drawn at the end: the threshold is what is to be seen.
  const most = Math.max(high, ...photos.map((photo) => photo.answer.score));
  range = [low - 0.05 * span, Math.min(most + 0.1 * span, high + 1.5 * span)];
}

const place = (score) => Math.min(1, Math.max(0, (score - range[0]) / (range[1] - range[0])));

function drawRuler() {
  const width = $("ruler").clientWidth || 300;
  const [top, bottom, edge] = [26, 84, 8];
  const x = (score) => (edge + place(score) * (width - 2 * edge)).toFixed(1);
  const svg = drawn("svg", { viewBox: `0 0 ${width} 112`, role: "img" });
  const bins = new Array(Math.max(20, Math.min(60, Math.round(width / 12)))).fill(0);
  for (const score of model.scores) bins[Math.min(bins.length - 1, Math.floor(place(score) * bins.length))] += 1;
  const step = (width - 2 * edge) / bins.length;
  const tallest = Math.max(...bins);
  bins.forEach((count, i) => {
    const height = ((bottom - top - 8) * count) / tallest;
    if (count) svg.append(drawn("rect", { class: "bars", x: edge + i * step, y: bottom - height, width: step, height }));
  });
  svg.append(drawn("line", { x1: edge, x2: width - edge, y1: bottom, y2: bottom }));
  const upright = (score, kind, y) => svg.append(drawn("line", { class: kind, x1: x(score), x2: x(score), y1: y, y2: bottom }));
  for (const photo of photos) upright(photo.answer.score, "earlier", bottom - 10);
  if (model.review_threshold !== null) upright(model.review_threshold, "review", top);
  upright(model.threshold, "threshold", top);
  if (other !== null) upright(other, "other", top - 6);
  const label = (score, y, text) => {
    const half = 4 * text.length;
    const middle = Math.min(width - half, Math.max(half, Number(x(score))));
    svg.append(drawn("text", { x: middle, y }, text));
  };
  label(model.threshold, bottom + 18, number(model.threshold));
  let said = `Held-out scores up to ${number(model.scores[model.scores.length - 1])}, threshold ${number(model.threshold)}`;
  if (shown) {
    const score = shown.answer.score;
    const at = Number(x(score));
    upright(score, "mine", top - 8);
    svg.append(drawn("path", { class: "score", d: `M${at} ${bottom}l-8 -14h16z` }));
    const beyond = score > range[1] ? " →" : "";
    label(score, top - 12, `${number(score)}${beyond}`);
    said += `, this photo ${number(score)}`;
  }
  svg.setAttribute("aria-label", `${said}.`);
  $("ruler").replaceChildren(svg);
}

function drawVerdict() {
  const threshold = other ?? model.threshold;
  $("back").disabled = other === null;
  if (other === null) $("other").value = Math.round(1000 * place(model.threshold));
  const found = photos.filter((photo) => photo.answer.score > threshold).length;
  const own = photos.filter((photo) => photo.answer.score > model.threshold).length;
  const above = model.scores.filter((score) => score > threshold).length / model.scores.length;
  const parts = [];
  if (photos.length) {
    parts.push(`Above ${number(threshold)}: ${found} of the last ${photos.length} photos`);
    parts.push(other === null ? "." : `, in place of ${own}.`);
  } else parts.push(`Above ${number(threshold)}:`);
  const images = model.held_out ? "held-out normal images" : "training images";
  parts.push(` ${percent(above)} of the ${images} are.`);
  $("verdict").textContent = parts.join("");
  $("keep").hidden = other === null;
  $("command").textContent = `tf-ssae calibrate --model_dir=RUN --threshold=${number(threshold)}`;
  $("other").setAttribute("aria-valuetext", number(threshold));
}

function drawList() {
  $("last").hidden = !photos.length;
  $("list").replaceChildren(...photos.map(item));
}

function item(photo) {
  const { score } = photo.answer;
  const now = decision(score, other ?? model.threshold);
  const changed = now !== photo.answer.decision;
  const about = element("span", { className: "about-it" });
  about.append(
    element("span", { className: `badge ${now}`, textContent: WORDS[now] }),
    `${number(score)}${changed ? `, was ${WORDS[photo.answer.decision].toLowerCase()}` : ""}`,
    element("br"),
    element("bdi", { className: "name", textContent: photo.name }),
  );
  const button = element("button", { type: "button", className: `item${changed ? " changed" : ""}` }, photo.thumb, about);
  button.onclick = () => {
    show(photo); // Draws the list anew, this button with it.
    $("decision").focus();
    $("result").scrollIntoView({ block: "start" });
  };
  return element("li", {}, button);
}

$("other").oninput = (event) => {
  other = range[0] + (event.target.value / 1000) * (range[1] - range[0]);
  drawRuler();
  drawVerdict();
  drawList();
};
$("back").onclick = () => {
  other = null;
  draw();
  $("other").focus();
};
$("show-map").onchange = (event) => $("marked").classList.toggle("bare", !event.target.checked);
$("actual").onchange = (event) => $("picture").classList.toggle("actual", event.target.checked);
addEventListener("resize", () => model && drawRuler());

function legend() {
  const entries = [
    ["normal", model.held_out ? `${model.images} held-out normal images` : `${model.images} training images`],
    ["threshold", "threshold"],
    ...(model.review_threshold === null ? [] : [["review", "review"]]),
    ["other", "another threshold"],
  ];
  $("legend").replaceChildren(
    ...entries.map(([kind, text]) => element("li", {}, element("span", { className: `swatch ${kind}` }), text)),
  );
}

(async () => {
  try {
    model = await (await fetch("model")).json();
    $("guarantee").textContent = model.guarantee;
    legend();
    draw();
    document.body.classList.add("ready");
  } catch (error) {
    say(`The server does not answer (${error.message}).`);
  }
})();
