/** A component that is drawn again only when one of its props is another one. */
import { Component, type ComponentType, type FunctionComponent, h } from "preact";

export function memo<P extends object>(View: FunctionComponent<P>): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const before = this.props as P;
      const names = new Set([...Object.keys(before), ...Object.keys(next)]) as Set<keyof P>;
      return [...names].some((name) => before[name] !== next[name]);
    }

    override render() {
      return h(View, this.props as P);
    }
  };
}
