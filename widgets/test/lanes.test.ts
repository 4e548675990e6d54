import { expect, test } from "vitest";
import { fits, NARROWEST, places } from "../src/lanes.js";

const rows = (roles: string[]): string[] =>
  places(
    roles.map((role) => ({ role })),
    ["a", "b", "c"],
  ).map(({ row, column }) => `${row}${column}`);

test("speakers in turn stand side by side, and who speaks again opens a row", () => {
  expect(rows(["a", "b", "a", "b", "c"])).toEqual(["11", "12", "21", "22", "23"]);
});

test("rows never go back, so that a reader who goes down goes forward in time", () => {
  expect(rows(["a", "a", "b", "c", "b", "a"])).toEqual(["11", "21", "22", "23", "32", "31"]);
});

test("a speaker that nobody announced stands in the first column", () => {
  expect(rows(["x"])).toEqual(["11"]);
});

test("what spans all columns has a row of its own", () => {
  const turns = ["a", "w", "b", "a", "w", "w"].map((role) => ({ role, wide: role === "w" }));
  expect(places(turns, ["a", "b"]).map(({ row, column }) => `${row}${column}`)).toEqual(["11", "20", "32", "31", "40", "50"]);
});

test("columns need room, and somebody to stand beside", () => {
  expect(fits(3 * NARROWEST, 3)).toBe(false);
  expect(fits(3 * NARROWEST + 100, 3)).toBe(true);
  expect(fits(5000, 1)).toBe(false);
});
