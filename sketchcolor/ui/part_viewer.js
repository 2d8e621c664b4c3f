// The viewer of the Change colours tab. Gradio runs this once for its component with `element`,
// `trigger`, `props` and `watch`. `props.value` is what `part_viewer.show` makes; what a visitor
// does goes to the server as an event with data {act, …}, places in pixels of the sketch.

const $ = (name) => element.querySelector(`[data-part="${name}"]`);
const stage = $('stage'), canvas = $('canvas'), pen = canvas.getContext('2d');
const MOST_ZOOM = 32, STEP = 1.25, CLICK = 5; // CLICK: px that a press may move

let shown = null; // the value that the pictures below belong to
let colours = null, lines = null, labels = null; // pictures, and label numbers by pixel
let outline = null; // canvas with the outline of the selected part
let selected = null, mode = 'pick';
let view = {zoom: 1, x: 0, y: 0}; // css px: zoom of the picture, and where its corner is
let stroke = [];
const pointers = new Map(); // of fingers and mouse buttons that are down, in css px
let pressed = null, pinch = null;

// --- Talking to the server: one request at a time, of several colours only the last -------------
const ANSWER = 15000; // ms; a request without an answer by then has failed, which Gradio shows
let waiting = null, queued = [], drag = 0;
const send = (data) => {
  if (!waiting) {
    waiting = setTimeout(answered, ANSWER);
    trigger('input', data);
  } else if (data.act === 'recolour' && queued.at(-1)?.drag === data.drag) {
    queued[queued.length - 1] = data;
  } else queued.push(data);
};
const answered = () => {
  clearTimeout(waiting);
  waiting = null;
  if (queued.length) send(queued.shift());
};

// --- Pictures -----------------------------------------------------------------------------------
const address = (file) => `${window.gradio_config?.root ?? ''}/gradio_api/file=${file}`;
const load = (file) => new Promise((done, failed) => {
  const picture = new Image();
  picture.onload = () => done(picture);
  picture.onerror = failed;
  picture.src = address(file);
});
const numbers = (picture) => {
  const sheet = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
  sheet.drawImage(picture, 0, 0);
  const bytes = sheet.getImageData(0, 0, picture.width, picture.height).data;
  const found = new Uint32Array(picture.width * picture.height);
  for (let i = 0; i < found.length; i++) {
    found[i] = bytes[4 * i] | bytes[4 * i + 1] << 8 | bytes[4 * i + 2] << 16;
  }
  return {width: picture.width, height: picture.height, found};
};
const refresh = async () => {
  const value = props.value;
  if (value?.sketch !== shown?.sketch) queued = [];
  if (!value) { shown = null; element.firstElementChild.classList.add('empty'); return; }
  const isOther = !shown || shown.sketch !== value.sketch;
  const files = [
    value.colours !== shown?.colours && load(value.colours).then(p => { colours = p; }),
    isOther && load(value.sketch).then(p => { lines = p; }),
    value.labels !== shown?.labels && load(value.labels).then(p => { labels = numbers(p); }),
  ];
  try { await Promise.all(files); } finally { answered(); }
  shown = value;
  element.firstElementChild.classList.remove('empty');
  if (isOther) { selected = null; mode = 'pick'; }
  if (value.selected !== null && value.selected !== undefined) selected = value.selected;
  if (!part(selected)) selected = null;
  if (isOther) fit();
  traceOutline();
  listParts();
  draw();
  element.dataset.serial = value.serial; // for whoever waits for the answer
};

const traceOutline = () => {
  outline = null;
  if (selected === null || !labels) return;
  const {width, height, found} = labels;
  outline = new OffscreenCanvas(width, height);
  const sheet = outline.getContext('2d'), bytes = sheet.createImageData(width, height);
  const isIn = (x, y) => x >= 0 && y >= 0 && x < width && y < height
    && found[y * width + x] === selected;
  const paint = (x, y, r, g, b) => {
    if (x >= 0 && y >= 0 && x < width && y < height) {
      bytes.data.set([r, g, b, 255], 4 * (y * width + x));
    }
  };
  // Two rings, dark inside bright, so that it is seen on any colour.
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    if (!isIn(x, y)) continue;
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      if (!isIn(x + dx, y + dy)) { paint(x, y, 20, 20, 20); paint(x + dx, y + dy, 90, 240, 220); }
    }
  }
  sheet.putImageData(bytes, 0, 0);
};

const draw = () => {
  const box = stage.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
  const width = Math.round(box.width * ratio), height = Math.round(box.height * ratio);
  if (!width || !height) return;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width; canvas.height = height;
  }
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, width, height);
  if (!shown || !colours || !lines) return;
  const scale = view.zoom * ratio;
  pen.setTransform(scale, 0, 0, scale, view.x * ratio, view.y * ratio);
  pen.imageSmoothingEnabled = scale * shown.size[0] / colours.width < 3;
  const [w, h] = shown.size;
  pen.drawImage(colours, 0, 0, w, h);
  pen.globalCompositeOperation = 'multiply'; // as the server lays lines over colours
  pen.drawImage(lines, 0, 0, w, h);
  pen.globalCompositeOperation = 'source-over';
  if (outline) pen.drawImage(outline, 0, 0, w, h);
  if (stroke.length) {
    pen.lineWidth = Math.max(strokeWidth(), 1);
    pen.lineCap = pen.lineJoin = 'round';
    pen.strokeStyle = 'rgba(220, 40, 90, 0.8)';
    pen.beginPath();
    pen.moveTo(...stroke[0]);
    for (const at of stroke) pen.lineTo(...at);
    if (stroke.length === 1) pen.lineTo(stroke[0][0] + 0.01, stroke[0][1]);
    pen.stroke();
  }
};

// --- View: zoom and pan -------------------------------------------------------------------------
const fit = () => {
  if (!shown) return;
  const box = stage.getBoundingClientRect(), [w, h] = shown.size;
  const zoom = Math.min(box.width / w, box.height / h);
  view = {zoom, x: (box.width - zoom * w) / 2, y: (box.height - zoom * h) / 2};
  draw();
};
const zoomAt = (factor, x, y) => {
  if (!shown) return;
  const box = stage.getBoundingClientRect();
  const least = Math.min(1, box.width / shown.size[0], box.height / shown.size[1]) / 2;
  const zoom = Math.min(Math.max(view.zoom * factor, least), MOST_ZOOM);
  const change = zoom / view.zoom;
  view = {zoom, x: x - (x - view.x) * change, y: y - (y - view.y) * change};
  draw();
};
const zoomMiddle = (factor) => {
  const box = stage.getBoundingClientRect();
  zoomAt(factor, box.width / 2, box.height / 2);
};
const offset = (event) => {
  const box = stage.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};
const place = ([x, y]) => [(x - view.x) / view.zoom, (y - view.y) / view.zoom];
const isOnSketch = ([x, y]) => x >= 0 && y >= 0 && x < shown.size[0] && y < shown.size[1];
const labelAt = ([x, y]) => {
  const column = Math.floor(x / shown.size[0] * labels.width);
  const row = Math.floor(y / shown.size[1] * labels.height);
  return labels.found[row * labels.width + column];
};

// --- Parts --------------------------------------------------------------------------------------
const part = (number) => shown?.parts.find(one => one.label === number) ?? null;
const nameOf = (one) => one.name || one.color;
const select = (number) => { selected = number; traceOutline(); listParts(); draw(); };
const setMode = (to) => { mode = mode === to ? 'pick' : to; listParts(); };
const strokeWidth = () => Number($('width').value);
const listParts = () => {
  const chosen = part(selected);
  $('editor').disabled = !chosen;
  $('color').value = chosen?.color ?? '#808080';
  if (document.activeElement !== $('hex')) $('hex').value = chosen?.color ?? '';
  if (document.activeElement !== $('name')) $('name').value = chosen?.name ?? '';
  $('lock').checked = Boolean(chosen?.locked);
  $('undo').disabled = !shown?.undo;
  $('redo').disabled = !shown?.redo;
  for (const one of ['merge', 'split']) $(one).setAttribute('aria-pressed', mode === one);
  $('help').textContent = $('help').dataset[chosen || mode === 'pick' ? mode : 'pick'];
  $('parts').replaceChildren(...(shown?.parts ?? []).map(one => {
    const button = document.createElement('button');
    button.type = 'button';
    button.dataset.label = one.label;
    button.style.background = one.color;
    button.title = nameOf(one);
    button.ariaLabel = nameOf(one);
    button.ariaPressed = String(one.label === selected);
    if (one.locked) button.classList.add('locked');
    if (one.name) button.append(Object.assign(document.createElement('span'), {textContent: one.name}));
    return button;
  }));
  stage.dataset.mode = mode;
};
const pick = (at) => {
  if (!isOnSketch(at)) return;
  const number = labelAt(at);
  if (mode === 'merge' && selected !== null && number !== selected) {
    mode = 'pick';
    send({act: 'merge', label: selected, other: number});
  } else select(number);
};
const recolour = (color, isDragged) => {
  const chosen = part(selected);
  if (!chosen || !/^#[0-9a-f]{6}$/i.test(color)) return;
  send({act: 'recolour', label: selected, color: color.toLowerCase(), drag: isDragged ? drag : ++drag});
};

// --- Events -------------------------------------------------------------------------------------
stage.addEventListener('wheel', event => {
  if (!shown) return;
  event.preventDefault();
  zoomAt(Math.exp(-event.deltaY / 400), ...offset(event));
}, {passive: false});
stage.addEventListener('pointerdown', event => {
  if (!shown || event.button > 1) return;
  stage.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, offset(event));
  stroke = [];
  if (pointers.size === 2) { pressed = null; pinch = fingers(); draw(); return; }
  pressed = {at: offset(event), view: {...view}, moved: false, pans: mode !== 'split' || event.button === 1};
  if (!pressed.pans) { stroke = [place(offset(event))]; draw(); }
});
const fingers = () => {
  const [[x, y], [u, v]] = [...pointers.values()];
  return {x: (x + u) / 2, y: (y + v) / 2, apart: Math.hypot(x - u, y - v)};
};
stage.addEventListener('pointermove', event => {
  if (!pointers.has(event.pointerId)) return;
  pointers.set(event.pointerId, offset(event));
  if (pinch && pointers.size === 2) {
    const now = fingers();
    view.x += now.x - pinch.x;
    view.y += now.y - pinch.y;
    zoomAt(now.apart / Math.max(pinch.apart, 1), now.x, now.y);
    pinch = now;
    return;
  }
  if (!pressed) return;
  const [x, y] = offset(event);
  pressed.moved ||= Math.hypot(x - pressed.at[0], y - pressed.at[1]) > CLICK;
  if (!pressed.pans) stroke.push(place([x, y]));
  else if (pressed.moved) {
    view.x = pressed.view.x + x - pressed.at[0];
    view.y = pressed.view.y + y - pressed.at[1];
  }
  draw();
});
const release = (event) => {
  if (!pointers.delete(event.pointerId)) return;
  if (pointers.size < 2) pinch = null;
  if (!pressed || event.type === 'pointercancel') { pressed = null; stroke = []; draw(); return; }
  const {at, moved, pans} = pressed;
  pressed = null;
  if (!pans) {
    const points = stroke.filter(isOnSketch);
    stroke = [];
    if (points.length) { mode = 'pick'; listParts(); send({act: 'split', points, width: strokeWidth()}); }
    draw();
  } else if (!moved) pick(place(at));
};
stage.addEventListener('pointerup', release);
stage.addEventListener('pointercancel', release);
stage.addEventListener('keydown', event => {
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && ['z', 'y'].includes(key)) {
    send({act: key === 'y' || event.shiftKey ? 'redo' : 'undo'});
  } else if (key === '+' || key === '=') zoomMiddle(STEP);
  else if (key === '-') zoomMiddle(1 / STEP);
  else if (key === '0') fit();
  else if (key === 'escape') { if (mode === 'pick') select(null); else setMode(mode); }
  else return;
  event.preventDefault();
});
element.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  if (button.dataset.label !== undefined) {
    const number = Number(button.dataset.label);
    if (mode === 'merge' && number !== selected) {
      mode = 'pick';
      send({act: 'merge', label: selected, other: number});
    } else select(number);
    return;
  }
  const act = button.dataset.part;
  if (act === 'closer') zoomMiddle(STEP);
  else if (act === 'farther') zoomMiddle(1 / STEP);
  else if (act === 'fit') fit();
  else if (act === 'merge' || act === 'split') setMode(act);
  else if (act === 'undo' || act === 'redo') send({act});
});
element.addEventListener('input', event => {
  event.stopPropagation(); // only what is sent on purpose reaches the server
  if (event.target === $('color')) recolour(event.target.value, true);
});
element.addEventListener('change', event => {
  event.stopPropagation();
  const target = event.target;
  if (target === $('color')) drag += 1;
  else if (target === $('hex')) recolour(target.value.trim(), false);
  else if (target === $('name')) send({act: 'rename', label: selected, name: target.value.trim()});
  else if (target === $('lock')) send({act: 'lock', label: selected, locked: target.checked});
});
new ResizeObserver(() => (shown ? fit() : null)).observe(stage);
watch('value', refresh);
if (props.value) refresh();
