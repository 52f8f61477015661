/** Whether somebody sits at the page: what it reads anew of its own accord must not keep an idle login alive. */

/** How long after the last touch a request still counts as the person's. [ms] */
const ACTS_FOR = 60_000

/** A page that was just opened was opened by somebody. */
let last = Date.now()

const TOUCHES = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const
for (const touch of TOUCHES) {
  window.addEventListener(touch, () => (last = Date.now()), { capture: true, passive: true })
}

export function nobodyActs(): boolean {
  return Date.now() - last > ACTS_FOR
}
