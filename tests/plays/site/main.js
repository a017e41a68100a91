import "flag-icons/css/flag-icons.min.css";

// Every flag is a file of its own in the build.
const flags = import.meta.glob("/node_modules/flag-icons/flags/4x3/*.svg", { eager: true, query: "?url", import: "default" });

function load(url) {
  return new Promise((done) => {
    const image = new Image();
    image.onload = () => done(image.naturalWidth > 0);
    image.onerror = () => done(false);
    image.src = url;
    document.getElementById("flags").append(image);
  });
}

const urls = Object.values(flags);
const answers = await Promise.all(urls.map(load));
const { greeting } = await (await fetch("/greeting.json")).json();
const { shade } = await import("./lazy.js");
const background = getComputedStyle(document.body).backgroundColor;
const byCss = getComputedStyle(document.getElementById("by-css")).backgroundImage;
const sheets = [...document.styleSheets].map((s) => s.cssRules.length);

document.getElementById("greeting").textContent = greeting;
document.getElementById("result").textContent =
  `images ${answers.filter(Boolean).length} of ${urls.length}; rules ${sheets.reduce((a, b) => a + b, 0)}; ` +
  `background ${background}; flag ${/kr-.*\.svg/.test(byCss)}; lazy ${shade}`;
