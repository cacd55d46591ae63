import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  // Relative addresses: the page works wherever the adapter is mounted.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../../../dist/adapters/web/public",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    // The page's content security policy lets nothing be inline.
    assetsInlineLimit: 0,
  },
});
