// SPDX-License-Identifier: BSD-3-Clause
// What eslint says of web/: its recommended rules, for modules in a browser, and how the code shall read.
import js from "@eslint/js";
import globals from "globals";

const CLASS_LINES = 200;

/** A class of more lines does more than one thing. */
const classLines = {
  create(context) {
    const check = (node) => {
      const lines = node.loc.end.line - node.loc.start.line + 1;
      if (lines > CLASS_LINES)
        context.report({ node, message: `class of ${lines} lines, at most ${CLASS_LINES}` });
    };
    return { ClassDeclaration: check, ClassExpression: check };
  },
};

export default [
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: globals.browser },
    plugins: { house: { rules: { "class-lines": classLines } } },
    rules: {
      "house/class-lines": "error",
      "max-len": ["error", 118],
      "max-lines": ["error", 500],
      "max-lines-per-function": ["error", 60],
      "max-statements-per-line": "error",
      "one-var": ["error", "never"],
      "no-shadow": "error",
      "prefer-const": "error",
      "id-length": ["error", { properties: "never", exceptions: ["_", "a", "b", "h", "i", "n", "t", "x", "y", "z"] }],
      eqeqeq: ["error", "smart"],
    },
  },
];
