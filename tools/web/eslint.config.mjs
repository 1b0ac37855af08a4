// SPDX-License-Identifier: BSD-3-Clause
// What eslint says of web/: its recommended rules, for modules in a browser.
import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  { languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: globals.browser } },
];
