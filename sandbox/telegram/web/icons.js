// Draw the icons of the page's buttons, each as lines on a square of 24 × 24.

const LINES = {
  menu: "M4 7h16M4 12h16M4 17h16",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l4.5 4.5",
  send: "M4 12 20 4.5 15 20l-3.5-6zM20 4.5 11.5 14",
  attach: "M19 11.5 12 18.6a4.6 4.6 0 0 1-6.6-6.5l7.7-7.8a3.1 3.1 0 0 1 4.4 4.4l-7.6 7.7a1.5 1.5 0 0 1-2.2-2.2l6.8-6.8",
  back: "M19 12H5M11 6l-6 6 6 6",
  close: "M6 6l12 12M18 6 6 18",
  down: "M6 9.5l6 6 6-6",
  plus: "M12 5v14M5 12h14",
  check: "M5 12.5l4.5 4.5L19 7.5",
  reply: "M10 6 4 11.5 10 17M4 11.5h9c4 0 6.5 2 7 6.5",
  forward: "M14 6l6 5.5-6 5.5M20 11.5h-9c-4 0-6.5 2-7 6.5",
  edit: "M5 19l1-4L16.5 4.5l3 3L9 18zM14.5 6.5l3 3",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l1 12.5h8L17 7M10.5 11v5M13.5 11v5",
  copy: "M9 9h10.5v10.5H9zM15 9V4.5H4.5V15H9",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  photo: "M4 5.5h16v13H4zM4 15.5l4.5-4.5 4 4 2.5-2 5 4M15.5 9v.01",
  file: "M7 3.5h7l4 4v13H7zM14 3.5v4h4",
  panel: "M4 5h16v14H4zM14.5 5v14",
  keyboard: "M3.5 6.5h17v11h-17zM7 10v.01M10.5 10v.01M14 10v.01M17 10v.01M8 14h8",
  format: "M5 18 10 6l5 12M6.8 14h6.4M17 18l2.5-6 2.5 6M17.8 16h3.4",
  pin: "M9 4h6l-1 6 3 3H7l3-3zM12 13v7",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4.5l3 2",
  pay: "M3.5 6h17v12h-17zM3.5 10h17M7 14.5h4",
  user: "M12 4.5a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6M4.5 20c.6-4 3.6-6 7.5-6s6.9 2 7.5 6",
  channel: "M4 10v4h3l9 5V5l-9 5zM19 9.5c1 1.5 1 3.5 0 5",
  group: "M9 5.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M3 18.5c.4-3.3 2.8-5 6-5s5.600 1.7 6 5M16 6a3 3 0 0 1 0 5.6M17.5 14c2 .6 3.2 2.2 3.5 4.5",
  restart: "M5 12a7 7 0 1 0 2.2-5.1M5 4.5V8h3.5",
  gear: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6M12 3.5v2.5M12 18v2.5M3.5 12H6M18 12h2.5M6 6l1.8 1.8M16.2 16.2 18 18M18 6l-1.8 1.8M7.800 16.2 6 18",
  play: "M8 5.5l11 6.5-11 6.5z",
  place: "M12 21s7-6.5 7-11.5a7 7 0 0 0-14 0C5 14.5 12 21 12 21M12 7.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
  star: "M12 4l2.3 5 5.5.6-4.1 3.7 1.2 5.4L12 16l-4.9 2.700 1.2-5.4-4.1-3.7L9.700 9z",
  eye: "M2.5 12c3.5-7 15.5-7 19 0-3.5 7-15.5 7-19 0M12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5",
  block: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M6.5 6.5l11 11",
};
const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const image = document.createElementNS(SVG, "svg");
  image.setAttribute("viewBox", "0 0 24 24");
  image.setAttribute("class", "icon");
  image.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", LINES[name]);
  image.append(path);
  return image;
}
