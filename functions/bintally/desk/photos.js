// Photos in pages: small, until somebody opens them. The address of a photo lasts five minutes, so it is asked for when
// the photo comes into view, and again when it is opened.

import { call } from "./api.js";
import { element } from "./dom.js";

const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    load(target.querySelector("img"), target.dataset.image);
  }
}, { rootMargin: "200px" });

async function load(image, id) {
  try {
    image.src = (await call("GET", `api/photo?${new URLSearchParams({ id })}`)).url;
  } catch {
    image.replaceWith("No photo"); // the page is of use without it
  }
}

/** A small photo that opens large. `url` is its address, if it is known. */
export function thumbnail(imageId, name, url = "") {
  const again = () => load(image, imageId); // its address is too old
  const image = element("img", { alt: `Photo of bin ${name}`, loading: "lazy" });
  image.addEventListener("error", again, { once: true });
  if (url) image.src = url;
  const open = () => openLarge(imageId, name);
  const button = element("button", { type: "button", class: "thumb", title: "Enlarge", "data-image": imageId, onclick: open }, image);
  if (!url) near.observe(button);
  return button;
}

/** Closing it returns the focus to what opened it. */
function openLarge(imageId, name) {
  const image = element("img", { alt: `Photo of bin ${name}` });
  const close = element("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const dialog = element("dialog", { class: "large", "aria-label": `Photo of bin ${name}`, onclose: () => dialog.remove() },
    element("p", {}, element("bdi", {}, name), close), image);
  addEventListener("hashchange", () => dialog.close(), { once: true });
  document.body.append(dialog);
  dialog.showModal();
  load(image, imageId);
}
