/** Event handler IDL attributes (WHATWG HTML, 8.1.8.1): `onopen` and its like. */

/** Gives the objects of a prototype an attribute `on…` for each type: a function that is called, or null. */
export function defineHandlers(prototype: EventTarget, types: readonly string[]): void {
  for (const type of types) {
    const handlers = new WeakMap<EventTarget, object>();

    function call(this: EventTarget, event: Event): void {
      const handler = handlers.get(this);
      if (typeof handler === "function" && handler.call(this, event) === false) event.preventDefault();
    }

    Object.defineProperty(prototype, `on${type}`, {
      get(this: EventTarget) {
        return handlers.get(this) ?? null;
      },
      set(this: EventTarget, value: unknown) {
        // [LegacyTreatNonObjectAsNull]: an object that cannot be called is kept, and never called.
        if (isObject(value)) {
          handlers.set(this, value);
          // A handler that takes another's place takes its turn too: a listener that is added twice is there once.
          this.addEventListener(type, call);
        } else {
          handlers.delete(this);
          this.removeEventListener(type, call);
        }
      },
      configurable: true,
    });
  }
}

function isObject(value: unknown): value is object {
  return Object(value) === value;
}
