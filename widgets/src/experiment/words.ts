/** Numbers and states in words. */

export const statusWord = (status: string): string => {
  const words = status.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** USD with the digits that matter. */
export const usd = (cost: number): string => (cost === 0 ? "free" : cost >= 1 ? `$${cost.toFixed(2)}` : `$${number(cost)}`);

/** A number with three digits that matter. */
export function number(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-4 ? value.toExponential(2) : String(Number(value.toPrecision(3)));
}

export const signed = (value: number): string => `${value > 0 ? "+" : value < 0 ? "−" : ""}${number(Math.abs(value))}`;

export const whole = (value: number): string => value.toLocaleString("en");

export function span(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
