// SPDX-License-Identifier: BSD-3-Clause
// What must be true of ticks, over random ranges of every kind: properties(ticks, clockOf, rounds) gives the number of
// ranges of each kind, or throws with the first range that is wrong. Labels are read by means of their own.
(() => {
  let state = 1;
  const random = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const between = (a, b) => a + random() * (b - a);
  const whole = (a, b) => Math.floor(between(a, b + 1));
  const sized = (a, b) => (random() < 0.5 ? -1 : 1) * between(1, 10) * 10 ** whole(a, b);
  const fail = (why, about) => {
    throw new Error(`${why}: ${JSON.stringify(about)}`);
  };

  function look(found, lo, hi, most, read, about, least) {
    const { ticks: list, note } = found;
    const all = { ...about, lo, hi, most, note, list };
    if (list.length > most) fail("too many", all);
    if (list.length < least) fail("too few", all);
    list.forEach(({ value, text }, i) => {
      if (!(value >= lo && value <= hi)) fail("outside", all);
      if (i && !(value > list[i - 1].value)) fail("not rising", all);
      if (i && text === list[i - 1].text) fail("the same label twice", all);
      if (text.length > 26) fail("too long", all);
      const told = read(text, note);
      const off = Math.abs(told.value - value);
      if (!(off <= told.rounding + 4 * Number.EPSILON * Math.abs(value))) fail(`label ${told.value} is not the value`, all);
    });
    if (new Set(list.map((one) => one.text)).size !== list.length) fail("the same label twice", all);
  }

  const number = (text, note) => ({ value: Number(text) + (note ? Number(note) : 0), rounding: 0 });

  function range() {
    const kind = random();
    if (kind < 0.4) {
      const ends = [sized(-12, 12), sized(-12, 12)].sort((a, b) => a - b);
      return ends[0] < ends[1] ? ends : [0, 1];
    }
    const at = sized(-9, 12); // a small difference of large values
    const wide = Math.abs(at) * 10 ** between(-11, 1);
    if (kind < 0.8) return [at, at + wide];
    const far = sized(-318, 307); // down to where doubles have few digits, up to where their difference is none
    return [kind < 0.9 ? 0 : -far, far].sort((a, b) => a - b);
  }
  const resolved = ([lo, hi]) => hi - lo > 1e-12 * Math.max(Math.abs(lo), Math.abs(hi));

  const KINDS = {
    linear(ticks) {
      const [lo, hi] = range();
      const most = whole(5, 15);
      look(ticks(lo, hi, most), lo, hi, most, number, { kind: "linear" }, resolved([lo, hi]) ? 2 : 0);
    },
    index(ticks) {
      const lo = whole(0, 10 ** whole(0, 12)) - 0.5;
      const hi = lo + whole(1, 10 ** whole(1, 9));
      const most = whole(5, 12);
      look(ticks(lo, hi, most, { whole: true }), lo, hi, most, number, { kind: "index" }, 1);
      ticks(lo, hi, most, { whole: true }).ticks.forEach(({ value }) => Number.isInteger(value) || fail("no index", { lo, hi }));
    },
    log(ticks) {
      const lo = 10 ** between(-30, 30);
      const hi = lo * 10 ** between(0.01, random() < 0.5 ? 3 : 60);
      const most = whole(5, 12);
      look(ticks(lo, hi, most, { scale: "log" }), lo, hi, most, number, { kind: "log" }, 2);
    },
    symlog(ticks) {
      const [lo, hi] = range();
      const unit = Math.max(Math.abs(lo), Math.abs(hi)) / 1000;
      const signed = (value) => Math.sign(value) * Math.log1p(Math.abs(value) / unit);
      const of = (value) => (signed(value) - signed(lo)) / (signed(hi) - signed(lo));
      const most = whole(5, 12);
      look(ticks(lo, hi, most, { scale: "symlog", of }), lo, hi, most, number, { kind: "symlog" }, resolved([lo, hi]) ? 2 : 0);
    },
    sqrt(ticks) {
      const [lo, hi] = range();
      const of = (value) => Math.sqrt((value - lo) / (hi - lo));
      const most = whole(5, 12);
      look(ticks(lo, hi, most, { scale: "sqrt", of }), lo, hi, most, number, { kind: "sqrt" }, resolved([lo, hi]) ? 2 : 0);
    },
    // places between which coordinates jump
    uneven(ticks) {
      const knots = [sized(-3, 3)];
      for (let i = whole(2, 30); i > 0; i--) knots.push(knots[knots.length - 1] + 10 ** between(-3, 3));
      const last = knots.length - 1;
      const of = (value) => {
        const i = Math.max(0, Math.min(knots.findLastIndex((one) => one <= value), last - 1));
        return (i + (value - knots[i]) / (knots[i + 1] - knots[i])) / last;
      };
      const most = whole(5, 12);
      look(ticks(knots[0], knots[last], most, { of }), knots[0], knots[last], most, number, { kind: "uneven" }, 1);
    },
    // integers that doubles cannot tell apart: values and labels are compared as bigints
    large(ticks) {
      const base = BigInt.asIntN(64, (BigInt(whole(0, 2 ** 31)) << 33n) * (random() < 0.5 ? -1n : 1n)) + BigInt(whole(0, 2 ** 32));
      const lo = whole(-1000, 1000);
      const hi = lo + whole(3, 10 ** whole(1, 9));
      const most = whole(5, 12);
      const { ticks: list, note } = ticks(lo, hi, most, { base });
      const about = { kind: "large", base: String(base), lo, hi, most, note, list };
      const plain = (text) => {
        const [, sign, first, rest = "", exponent = 0] = /^([+-]?)(\d+)(?:\.(\d+))?(?:e(\d+))?$/.exec(text);
        const size = BigInt(first + rest) * 10n ** BigInt(exponent) / 10n ** BigInt(rest.length);
        return sign === "-" ? -size : size;
      };
      if (list.length > most || list.length < 2) fail("too few or many", about);
      for (const { value, text } of list) {
        if (!(value >= lo && value <= hi)) fail("outside", about);
        if (Number.isInteger(value) && plain(text) + (note ? plain(note) : 0n) !== base + BigInt(value)) fail("label is not the value", about);
      }
      if (new Set(list.map((one) => one.text)).size !== list.length) fail("the same label twice", about);
    },
    // dates some ns apart
    nano(ticks, clockOf) {
      const base = BigInt(whole(-2e9, 4e9)) * 1000000000n + BigInt(whole(0, 999999999));
      const clock = clockOf({ units: "nanoseconds since 1970-01-01" }).from(base);
      const hi = whole(10, 10 ** whole(2, 9));
      const most = whole(5, 12);
      const { ticks: list, note } = ticks(0, hi, most, { clock });
      const about = { kind: "nano", base: String(base), hi, most, note, list };
      if (list.length > most || list.length < 1) fail("too few or many", about);
      for (const { value, text } of list) {
        const full = note ? `${note}${text[0] === "." ? "" : " "}${text}` : text;
        const [, date, time, rest = ""] = /^(\S+) (\S+?)(?:\.(\d+))?$/.exec(full);
        const told = BigInt(Date.parse(`${date}T${time}Z`)) * 1000000n + BigInt(rest.padEnd(9, "0"));
        if (Math.abs(Number(told - base) - value) > 0.01) fail("label is not the value", about);
      }
    },
    date(ticks, clockOf) {
      const units = ["days", "hours", "minutes", "seconds", "milliseconds"][whole(0, 4)];
      const unit = { days: 864e5, hours: 36e5, minutes: 6e4, seconds: 1000, milliseconds: 1 }[units];
      const calendar = ["proleptic_gregorian", "360_day", "noleap"][whole(0, 2)];
      const epoch = [whole(1600, 2100), whole(1, 12), whole(1, 28)];
      const clock = clockOf({ units: `${units} since ${epoch.join("-")}`, calendar });
      const span = 10 ** between(units === "days" ? -4 : 0, 12.5) / unit;
      const lo = between(-1e12, 1e12) / unit;
      const hi = lo + span;
      const most = whole(5, 12);
      const months = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
      const day = {
        proleptic_gregorian: (y, m, d) => Date.UTC(y, m - 1, d) / 864e5,
        "360_day": (y, m, d) => y * 360 + (m - 1) * 30 + d - 1,
        noleap: (y, m, d) => y * 365 + months.slice(0, m - 1).reduce((a, b) => a + b, 0) + d - 1,
      }[calendar];
      const read = (text, note) => {
        const full = note ? `${note}${text[0] === "." ? "" : /^\d\d:/.test(text) ? " " : "-"}${text}` : text;
        const [, y, m = 1, d = 1, hour = 0, minute = 0, second = 0] =
          /^(\d+)(?:-(\d\d)(?:-(\d\d)(?: (\d\d):(\d\d)(?::([\d.]+))?)?)?)?$/.exec(full).map((one) => one && Number(one));
        const ms = (day(y, m, d) - day(...epoch)) * 864e5 + hour * 36e5 + minute * 6e4 + second * 1000;
        return { value: ms / unit, rounding: (span * unit < 1 ? 1 : 1e-6) / unit + 1e-12 * Math.abs(ms / unit) };
      };
      look(ticks(lo, hi, most, { clock }), lo, hi, most, read, { kind: "date", units, calendar, epoch }, span * unit > 100 ? 2 : 1);
    },
  };

  return (ticks, clockOf, rounds) => {
    state = 1;
    for (const one of Object.values(KINDS)) for (let i = 0; i < rounds; i++) one(ticks, clockOf);
    return Object.keys(KINDS).length * rounds;
  };
})();
