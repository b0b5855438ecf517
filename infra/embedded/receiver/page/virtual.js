// A list of rows of one height, of which only those in view are in the document.

const MARGIN = 12; // rows kept above and below the view

/** Draws `rows[i]` with `draw(row, i)` into `list`, which lies in the scrolling `frame`. */
export class VirtualList {
  constructor(frame, list, draw, height) {
    Object.assign(this, { frame, list, draw, height, rows: [], drawn: new Map() });
    frame.addEventListener("scroll", () => this.update(), { passive: true });
    new ResizeObserver(() => this.set(this.rows)).observe(frame);
  }

  /** Show these rows instead. */
  set(rows) {
    this.rows = rows;
    this.tall = this.height();
    this.list.style.setProperty("height", `${rows.length * this.tall}px`);
    for (const made of this.drawn.values()) made.remove();
    this.drawn.clear();
    this.update();
  }

  update() {
    const above = this.frame.scrollTop - this.list.offsetTop;
    const first = Math.max(Math.floor(above / this.tall) - MARGIN, 0);
    const last = Math.min(Math.ceil((above + this.frame.clientHeight) / this.tall) + MARGIN, this.rows.length);
    for (const [index, made] of this.drawn) {
      if (index >= first && index < last) continue;
      made.remove();
      this.drawn.delete(index);
    }
    for (let index = first; index < last; index += 1) {
      if (this.drawn.has(index)) continue;
      const made = this.draw(this.rows[index], index);
      made.style.setProperty("transform", `translateY(${index * this.tall}px)`);
      this.drawn.set(index, made);
      this.list.append(made);
    }
  }

  /** Scroll so that the row is in view, in the middle when it was not. */
  reveal(index) {
    const top = index * this.tall + this.list.offsetTop;
    const { scrollTop, clientHeight } = this.frame;
    if (top < scrollTop || top + this.tall > scrollTop + clientHeight) {
      this.frame.scrollTop = Math.max(top - clientHeight / 2, 0);
    }
    this.update();
  }
}
