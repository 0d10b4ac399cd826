// What the player does, as the events that a page gets: their order, targets and members.
//
// Orders and members are those of Chromium (UI Events, Pointer Events, Pointer Lock). Each DOM event
// is a task of its own, so that what the module does "soon" happens before the next one.

/** Events still to come from what was reported, each as a function. */
const tasks = [];

/** What is held, as a page knows it. */
const heldKeys = new Map();
let heldButtons = 0;
let pointerX = 0;
let pointerY = 0;
let over = null;
let pressedOn = null;
/** A prevented pointerdown keeps the mouse events of that press away (Pointer Events, 11.3). */
let mousePrevented = false;
/** What is left of movements after the whole pixels that were reported. */
let restX = 0;
let restY = 0;

const modifiersOf = (bits) => ({
  shiftKey: (bits & 1) !== 0,
  ctrlKey: (bits & 2) !== 0,
  altKey: (bits & 4) !== 0,
  metaKey: (bits & 8) !== 0,
  modifierAltGraph: (bits & 16) !== 0,
  modifierCapsLock: (bits & 32) !== 0,
  modifierNumLock: (bits & 64) !== 0,
});

/** After focus is lost a browser reports no releases: what was held is forgotten. */
const forgetHeld = () => {
  heldKeys.clear();
  heldButtons = 0;
  mousePrevented = false;
};

const keyEvent = (code, key, pressed, location, bits, repeat) => {
  const modifiers = modifiersOf(bits);
  const init = {
    bubbles: true, cancelable: true, composed: true, view: globalThis, key, code, location,
    repeat, ...modifiers, keyCode: keyCodeOf(code, key), sourceCapabilities: DEVICE,
  };
  if (!pressed) {
    heldKeys.delete(code);
    fire(active, KeyboardEvent, "keyup", init);
    return;
  }
  // Escape ends locks and full screen, so it does not ask for them.
  if (key !== "Escape") activate();
  heldKeys.set(code, { key, location });
  const goesOn = fire(active, KeyboardEvent, "keydown", init);
  const charCode = charCodeOf(key, modifiers);
  if (!goesOn || charCode === 0) return;
  tasks.push(() =>
    fire(active, KeyboardEvent, "keypress", { ...init, charCode, keyCode: charCode }));
};

const whole = (x, y) => [Math.floor(view.left + x), Math.floor(view.top + y)];

/** Members that mouse, wheel and pointer events share. Positions count from the picture's corner. */
const mouseInit = (x, y, buttons, bits, more) => {
  const [clientX, clientY] = whole(x, y);
  return {
    bubbles: true, cancelable: true, composed: true, view: globalThis, clientX, clientY,
    screenX: clientX, screenY: clientY, buttons, ...modifiersOf(bits), sourceCapabilities: DEVICE,
    ...more,
  };
};

const pointerInit = (init, button) => ({
  ...init, button, detail: 0, sourceCapabilities: null, pointerId: 1, pointerType: "mouse",
  isPrimary: true,
  pressure: init.buttons === 0 ? 0 : 0.5, clientX: view.left + pointerX,
  clientY: view.top + pointerY, screenX: view.left + pointerX, screenY: view.top + pointerY,
});

/** What comes of a press is of no pointer: of none at all while the pointer is locked. */
const clickInit = (init, button) => ({
  ...pointerInit(init, button), isPrimary: false, pressure: 0, sourceCapabilities: DEVICE,
  ...(lockElement === null ? {} : { pointerId: 0, pointerType: "" }),
});

const targetAt = (x, y) => lockElement ?? elementAt(view.left + x, view.top + y) ?? root;

const fireBoth = (target, pointer, mouse, init, extra = {}) => {
  fire(target, PointerEvent, pointer, { ...pointerInit(init, -1), ...extra });
  fire(target, MouseEvent, mouse, { ...init, ...extra });
};

/** The pointer came over another element: out and leave there, over and enter here. */
const crossTo = (target, init) => {
  if (target === over) return;
  const left = over;
  over = target;
  const quiet = { bubbles: false, cancelable: false, composed: false };
  if (left !== null) {
    fireBoth(left, "pointerout", "mouseout", init, { relatedTarget: target });
    fireBoth(left, "pointerleave", "mouseleave", init, { relatedTarget: target, ...quiet });
  }
  fireBoth(target, "pointerover", "mouseover", init, { relatedTarget: left });
  fireBoth(target, "pointerenter", "mouseenter", init, { relatedTarget: left, ...quiet });
};

const pointerMoved = (dx, dy, x, y, buttons, bits) => {
  pointerX = x;
  pointerY = y;
  heldButtons = buttons;
  restX += dx;
  restY += dy;
  const movementX = Math.round(restX) || 0;
  const movementY = Math.round(restY) || 0;
  restX -= movementX;
  restY -= movementY;
  const init = mouseInit(x, y, buttons, bits, { movementX, movementY });
  const target = targetAt(x, y);
  crossTo(target, init);
  const pointer = () => pointerInit(init, -1);
  const raw = wanted("pointerrawupdate");
  const moved = wanted("pointermove");
  if (raw) fire(target, PointerEvent, "pointerrawupdate", pointer());
  if (moved) fire(target, PointerEvent, "pointermove", pointer());
  if (mousePrevented || !wanted("mousemove")) return;
  if (raw || moved) tasks.push(() => fire(target, MouseEvent, "mousemove", init));
  else fire(target, MouseEvent, "mousemove", init);
};

const CLICKS = ["click", "auxclick", "auxclick", "auxclick", "auxclick"];

const buttonChanged = (button, pressed, x, y, buttons, clicks, bits) => {
  pointerX = x;
  pointerY = y;
  const chorded = pressed ? heldButtons !== 0 : buttons !== 0;
  heldButtons = buttons;
  // Of two buttons that are held at once only the one that goes up first has clicked, if the pointer
  // is free.
  const detail = pressed || pressedOn !== null ? clicks : 0;
  const init = mouseInit(x, y, buttons, bits, { button, detail });
  const target = targetAt(x, y);
  crossTo(target, mouseInit(x, y, buttons, bits, {}));
  if (pressed) activate();
  // Only the first press and the last release are pointer events of their own kind.
  const kind = chorded ? "pointermove" : pressed ? "pointerdown" : "pointerup";
  const goesOn = fire(target, PointerEvent, kind, pointerInit(init, button));
  if (kind === "pointerdown") mousePrevented = !goesOn;
  const prevented = mousePrevented;
  if (kind === "pointerup") mousePrevented = false;
  if (!prevented) {
    tasks.push(() => {
      const type = pressed ? "mousedown" : "mouseup";
      const focuses = fire(target, MouseEvent, type, init) && pressed;
      if (focuses) active = target instanceof HTMLElement && target.tabIndex >= 0 ? target : body;
    });
  }
  if (pressed) {
    pressedOn = target;
    if (button === 2 && lockElement === null) {
      tasks.push(() =>
        fire(target, PointerEvent, "contextmenu", { ...clickInit(init, button), detail: 0 }));
    }
    return;
  }
  const clicked = pressedOn === target;
  if (lockElement === null) pressedOn = null;
  if (!clicked) return;
  const type = lockElement === null ? CLICKS[button] ?? "auxclick" : "click";
  tasks.push(() => fire(target, PointerEvent, type, { ...clickInit(init, button), detail: clicks }));
  if (button === 0 && clicks === 2) tasks.push(() => fire(target, MouseEvent, "dblclick", init));
};

/** A notch is 120 eighths of a degree; `notch` is what it is in pixels. */
const wheelTurned = (turnX, turnY, x, y, buttons, bits, notch) => {
  pointerX = x;
  pointerY = y;
  const init = mouseInit(x, y, buttons, bits, {
    sourceCapabilities: null, deltaX: (turnX * notch) / 120 || 0,
    deltaY: (-turnY * notch) / 120 || 0,
    wheelDeltaX: -turnX || 0, wheelDeltaY: turnY,
  });
  fire(targetAt(x, y), WheelEvent, "wheel", init);
  if (wanted("mousewheel")) fire(targetAt(x, y), WheelEvent, "mousewheel", init);
};

/** Everything held goes up, as if the player let go; nothing where the page has lost focus. */
const releaseAll = (bits) => {
  for (const [code, { key, location }] of [...heldKeys]) {
    tasks.push(() => keyEvent(code, key, false, location, bits, false));
  }
  for (const [button, bit] of [[0, 1], [2, 2], [1, 4], [3, 8], [4, 16]]) {
    if ((heldButtons & bit) === 0) continue;
    tasks.push(() => {
      buttonChanged(button, false, pointerX, pointerY, heldButtons & ~bit, 1, bits);
    });
  }
  padsAtRest();
};
