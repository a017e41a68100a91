import { resolve } from "node:path";
import { defineConfig } from "vite";

// No asset is small enough to be inlined: the bucket is to serve hundreds of files.
export default defineConfig({
  build: {
    assetsInlineLimit: 0,
    target: "es2022",
    reportCompressedSize: false,
    rollupOptions: {
      input: {
        main: resolve(import.meta.dirname, "index.html"),
        guide: resolve(import.meta.dirname, "guide/index.html"),
      },
    },
  },
});
