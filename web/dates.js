// SPDX-License-Identifier: BSD-3-Clause
// Numbers that are times, as dates: datetime64, "days since 2000-01-01" of CF with its calendars; and their ticks.
const DAY = 864e5; // ms
const MONTHS = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const div = (a, b) => Math.floor(a / b);

/* Calendars: days from the first of year 0 to that of another. */
const gregorian = (year) => 365 * year + div(year + 3, 4) - div(year + 99, 100) + div(year + 399, 400);
const julian = (year) => 365 * year + div(year + 3, 4) - 2;
const thirty = (year) => 360 * year;
const noleap = (year) => 365 * year;
const leap = (year) => 366 * year;
const standard = null; // julian, from 1582-10-15 gregorian
const CALENDARS = { standard, gregorian: standard, proleptic_gregorian: gregorian, julian };
Object.assign(CALENDARS, { noleap, "365_day": noleap, all_leap: leap, "366_day": leap, "360_day": thirty });
const ORIGIN = gregorian(1970);
const TURN = { day: gregorian(1582) + 287, key: 372 * 1582 + 31 * 9 + 14 };

const monthStart = (start, year, month) =>
  start === thirty ? 30 * month : MONTHS[month] + (month > 1 && start(year + 1) - start(year) > 365 ? 1 : 0);

const UNITS = [
  [/^w(eeks?)?$/, 7 * DAY],
  [/^d(ays?)?$/, DAY],
  [/^h((ou)?rs?)?$/, 36e5],
  [/^m(in(ute)?s?)?$/, 6e4],
  [/^s(ec(ond)?s?)?$/, 1000],
  [/^(ms(ecs?)?|millisec(ond)?s?)$/, 1],
  [/^(us|microsec(ond)?s?)$/, 1e-3],
  [/^(ns|nanosec(ond)?s?)$/, 1e-6],
  [/^ps$/, 1e-9],
  [/^fs$/, 1e-12],
];
const unitOf = (name) => UNITS.find(([like]) => like.test(name.toLowerCase()))?.[1];
const TIME = String.raw`(?:[T\s]+(\d+)(?::(\d+)(?::([\d.]+))?)?)?`;
const ZONE = String.raw`\s*(?:Z|UTC|GMT|([+-]\d+)(?::?(\d\d))?)?`;
const SINCE = new RegExp(String.raw`^\s*(\w+)\s+since\s+(-?\d+)(?:-(\d+)(?:-(\d+))?)?${TIME}${ZONE}\s*$`, "i");
const pad = (n, width = 2) => String(n).padStart(width, "0");

class Clock {
  /**
   * unit: ms of 1; many: units of 1; or months, of datetime64[M]; calendar: of CF; epoch: what 0 is, [year, month,
   * day, hours, …].
   */
  constructor({ unit = 0, many = 1, months = 0, calendar = "proleptic_gregorian", epoch = [1970] }) {
    const [year, month = 1, day = 1, hours = 0, minutes = 0, seconds = 0] = epoch;
    Object.assign(this, {
      unit: unit * many,
      per: Math.round(1000 / unit),
      many,
      months,
      start: CALENDARS[calendar],
    });
    this.name = /standard|gregorian/.test(calendar) ? "" : calendar;
    this.place(this.day(year, month - 1, day) * DAY + hours * 36e5 + minutes * 6e4, seconds * 1000);
  }

  /* Times are counted from a whole second, origin, ms of day(); there, what is small is exact. */
  place(ms, more) {
    const whole = div(more, 1000) * 1000;
    Object.assign(this, { origin: ms + whole, epoch: more - whole });
  }
  /** The same clock for values less a whole number, which may be too large for other numbers. */
  from(base) {
    if (!base) return this;
    const made = Object.assign(Object.create(Clock.prototype), this);
    const per = BigInt(this.per); // 0 of what is longer than a second: its parts are no integers
    if (!per) made.place(this.origin, this.epoch + Number(base) * this.unit);
    const all = base * BigInt(this.many);
    if (per) made.place(this.origin + Number(all / per) * 1000, this.epoch + (Number(all % per) * 1000) / this.per);
    return made;
  }

  /** Days from 1970-01-01, in calendars of other years from as many days; months from 0 and beyond 11. */
  day(years, months, days) {
    const year = years + div(months, 12);
    const month = months - 12 * div(months, 12);
    const start = this.start || (372 * year + 31 * month + days - 1 < TURN.key ? julian : gregorian);
    return start(year) + monthStart(start, year, month) + days - 1 - ORIGIN;
  }
  /** The date of such a day: [year, month from 0, day from 1]. */
  date(since) {
    const day = since + ORIGIN;
    const start = this.start || (day < TURN.day ? julian : gregorian);
    let year = div(day, 365.2425);
    while (start(year + 1) <= day) year++;
    while (start(year) > day) year--;
    let month = 11;
    while (start(year) + monthStart(start, year, month) > day) month--;
    return [year, month, day - start(year) - monthStart(start, year, month) + 1];
  }

  /** ms from the origin, of a value, and back. */
  ms(value) {
    if (this.months) return this.day(1970, Math.floor(value) * this.months, 1) * DAY;
    const exact = this.epoch + value * this.unit;
    return this.unit < 1 ? exact : Math.round(exact); // parts of days are not exact
  }
  value(ms) {
    if (!this.months) return (ms - this.epoch) / this.unit;
    const [year, month] = this.date(div(ms, DAY));
    return ((year - 1970) * 12 + month) / this.months;
  }

  /** A value as date and time, as finely as it may be: to the microsecond, or to its unit. */
  text(value) {
    if (typeof value === "bigint") return this.months ? this.text(Number(value)) : this.from(value).text(0);
    if (value - value !== 0) return "–";
    const text = this.format(this.ms(value), Math.min(this.unit || 1, 1e-3)).replace(/\.0+$|(\.\d*[1-9])0+$/, "$1");
    return this.unit >= DAY || this.months ? text.replace(/ 00:00:00$/, "") : text;
  }
  /** What is shorter than a step is left out. */
  format(ms, step) {
    const digits = step >= 1000 ? 0 : Math.ceil(3 - Math.log10(step) - 1e-9);
    const fine = 10 ** (digits - 3);
    const rounded = Math.floor(ms * fine + 0.5) / fine;
    const whole = div(rounded, 1000);
    const second = this.origin / 1000 + whole;
    const day = div(second, 86400);
    const [year, month, days] = this.date(day);
    const years = (year < 0 ? "-" : "") + pad(Math.abs(year), 4);
    if (step >= 360 * DAY) return years;
    if (step >= 28 * DAY) return `${years}-${pad(month + 1)}`;
    const date = `${years}-${pad(month + 1)}-${pad(days)}`;
    if (step >= DAY) return date;
    const of = second - day * 86400;
    const time = `${date} ${pad(div(of, 3600))}:${pad(div(of, 60) % 60)}`;
    if (step >= 6e4) return time;
    return `${time}:${pad(of % 60)}${digits ? `.${pad(Math.round((rounded - whole * 1000) * fine), digits)}` : ""}`;
  }
}

/** The clock of values with these units, or of this dtype; null: they are no times that we know. */
export function clockOf({ units = "", calendar = "standard", dtype = "" }) {
  const [, many, kind] = /(?:datetime64|M8)\[(\d*)(\w+)\]/.exec(dtype) || [];
  const months = { Y: 12, M: 1 }[kind];
  if (months) return new Clock({ months: months * (many || 1) });
  if (kind) return unitOf(kind) ? new Clock({ unit: unitOf(kind), many: many || 1 }) : null;
  const [, name = "", ...parts] = SINCE.exec(units) || [];
  const unit = unitOf(name);
  if (!unit || !(calendar.toLowerCase() in CALENDARS)) return null;
  const [year, month, day, hours = 0, minutes = 0, seconds, zone = 0, more = 0] = parts.map(
    (one) => one && Number(one),
  );
  const epoch = [year, month, day, hours - zone, minutes - (zone < 0 ? -more : more), seconds];
  return new Clock({ unit, calendar: calendar.toLowerCase(), epoch });
}

const upTo = (least, most) => {
  const powers = Array.from({ length: most - least + 1 }, (_, i) => least + i);
  return powers.flatMap((power) => [1, 2, 5].map((by) => Number(`${by}e${power}`)));
};
const STEPS = [
  ...[
    ...upTo(-12, 2),
    ...[1, 2, 5, 10, 15, 30].map((n) => n * 1000),
    ...[1, 2, 5, 10, 15, 30].map((n) => n * 6e4),
    ...[1, 2, 3, 6, 12].map((n) => n * 36e5),
  ].map((ms) => ({ ms })),
  ...[1, 2, 5, 10, 15].map((days) => ({ ms: days * DAY, days })),
  ...[1, 3, 6, ...upTo(0, 8).map((n) => 12 * n)].map((months) => ({ ms: months * 30 * DAY, months })),
];

/* Moments from a to b, a step apart, at the turns of the calendar. */
function moments(clock, a, b, { ms, days, months = 1 }) {
  const out = [];
  const { origin } = clock;
  const off = ms < 1000 ? 0 : origin;
  for (let i = Math.ceil((a + off) / ms); ms < DAY && i * ms - off <= b; i++) out.push(i * ms - off);
  if (ms < DAY) return out;
  const [year, month] = clock.date(div(a + origin, DAY));
  for (let at = div(year * 12 + month, months) * months; ; at += months) {
    const first = clock.day(0, at, 1);
    if (first * DAY - origin > b) return out.filter((one) => one >= a && one <= b);
    const next = clock.day(0, at + 1, 1);
    for (let day = first; day < next; day += days || next - first)
      if (!days || days === 1 || next - day > days / 2) out.push(day * DAY - origin);
  }
}

/* What all dates begin with: the second, else the day, else the year. */
function common(texts) {
  for (const part of [/^(-?\d.* \d\d:\d\d:\d\d)\.\d{4}/, /^(-?\d+-\d\d-\d\d) /, /^(-?\d+)-\d\d-/]) {
    const first = part.exec(texts[0])?.[1];
    if (first && texts.length > 1 && texts.every((one) => part.exec(one)?.[1] === first)) return first;
  }
  return "";
}

/** As ticks() of ticks.js. of: value to 0…1 where times are not spread evenly. */
export function dateTicks(lo, hi, most, clock, of) {
  const [a, b] = [clock.ms(lo), clock.ms(hi)];
  for (const step of STEPS) {
    if ((b - a) / step.ms > 2 * most || step.ms < Math.max(Math.abs(a), Math.abs(b)) * 2 ** -50) continue;
    let last = NaN;
    const found = moments(clock, a, b, step).filter((ms) => {
      const value = clock.value(ms);
      const at = of ? of(value) : value;
      if (value < lo || value > hi || at === last || (of && Math.abs(at - last) < 1 / most)) return false;
      last = at;
      return true;
    });
    if (found.length > most) continue;
    if (!found.length) break;
    const texts = found.map((ms) => clock.format(ms, step.ms));
    const note = common(texts);
    const cut = note && note.length + (note.includes(":") ? 0 : 1);
    return { ticks: found.map((ms, i) => ({ value: clock.value(ms), text: texts[i].slice(cut || 0) })), note };
  }
  return { ticks: [{ value: lo, text: clock.text(lo) }], note: "" };
}
