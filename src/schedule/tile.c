/* SPDX-License-Identifier: Apache-2.0 */
/* Tiles of 12 to 28 accumulators all reach the peak; what differs is how well
 * they divide the extents, and what the loads cost. So every tile that fits
 * the registers is tried, with blocks that divide the output channels' (the
 * loop over them is fused with the parallel one, so it has no partial step). */
#include "schedule/tile.h"

enum { MOST_COLUMNS = 28, OPEN_WIDTH = 840 /* any tile divides it */ };

/* Sums, a vector of weights per block, and a number of the image spread over a
 * vector. With one block that number is needed once, and LLVM for x86 adds the
 * sum to it in its register, so sums wander from step to step; without a
 * register to spare some are spilled. */
static bool tile_fits(const struct machine *machine, int64_t columns,
                      int64_t blocks) {
  int64_t spare = blocks == 1;
  return columns * blocks + blocks + 1 + spare <= machine->vector_registers;
}

size_t tile_space(const struct builder *builder, enum tile_knob knob,
                  int64_t *values, size_t capacity) {
  size_t count = 0;
  if (knob == TILE_UNROLL) {
    for (int64_t u = 1; u <= builder->block && count < capacity; u *= 2)
      values[count++] = u;
    return count;
  }
  const struct group *group = builder->group;
  const struct node *last = group->nodes.data[group->anchor_count - 1];
  int64_t limit = knob == TILE_COLUMNS ? MOST_COLUMNS : TILE_MOST_BLOCKS;
  int64_t channel_blocks =
      ceil_div(value_dim(last->outputs[0], 1), builder->block);
  for (int64_t v = 1; v <= limit && count < capacity; v++)
    if ((knob == TILE_COLUMNS || channel_blocks % v == 0) &&
        tile_fits(builder->machine, knob == TILE_COLUMNS ? v : 1,
                  knob == TILE_BLOCKS ? v : 1))
      values[count++] = v;
  return count;
}

size_t tile_divisors(int64_t total, int64_t *values, size_t capacity) {
  size_t count = 0;
  for (int64_t v = 1; v <= total && count < capacity; v++)
    if (total % v == 0)
      values[count++] = v;
  return count;
}

int64_t tile_divisor(int64_t total, int64_t most) {
  int64_t divisor = most < total ? most : total;
  while (divisor > 1 && total % divisor != 0)
    divisor--;
  return divisor < 1 ? 1 : divisor;
}

int64_t tile_panel(const struct machine *machine, int64_t tiles, int64_t most,
                   int64_t rows) {
  int64_t panel = most < tiles ? most : tiles;
  for (; panel > 1; panel--) {
    int64_t shares = rows * (tiles / panel);
    if (tiles % panel == 0 &&
        ceil_div(shares, machine->cores) * machine->cores * 20 <= shares * 21)
      break;
  }
  return panel < 1 ? 1 : panel;
}

/* Cycles that one reduction step of a tile takes: multiply-adds, loads, or the
 * latency of the additions when there are too few of them to hide it. */
static double tile_cycles(const struct machine *machine, int64_t columns,
                          int64_t blocks) {
  double fma = (double)(columns * blocks) / machine->fma_per_cycle;
  double loads = (double)(columns + blocks) / machine->loads_per_cycle;
  double cycles = fma > loads ? fma : loads;
  return cycles > machine->fma_latency ? cycles : machine->fma_latency;
}

/* Of a whole row for all blocks of output channels; a tile also costs a little
 * for its start and its epilogue. */
static double row_cycles(const struct machine *machine, int64_t width,
                         int64_t channel_blocks, int64_t columns,
                         int64_t blocks, double fetch) {
  double first = tile_cycles(machine, columns, blocks) + 0.5;
  double cycles = (double)(width / columns) * first;
  if (width % columns)
    cycles += tile_cycles(machine, width % columns, blocks) + 0.5;
  if (fetch * (double)blocks > first)
    cycles += fetch * (double)blocks - first;
  return cycles * (double)(channel_blocks / blocks);
}

struct tile tile_choose(const struct machine *machine, int64_t width,
                        int64_t channel_blocks, int64_t most_blocks) {
  return tile_choose_streamed(machine, width, channel_blocks, most_blocks, 0);
}

struct tile tile_choose_streamed(const struct machine *machine, int64_t width,
                                 int64_t channel_blocks, int64_t most_blocks,
                                 double fetch) {
  struct tile best = {1, 1, 0};
  if (width < 1)
    width = OPEN_WIDTH;
  for (int64_t b = 1; b <= most_blocks && b <= channel_blocks; b++)
    for (int64_t c = 1; c <= MOST_COLUMNS && c <= width; c++) {
      if (channel_blocks % b != 0 || !tile_fits(machine, c, b))
        continue;
      double cycles = row_cycles(machine, width, channel_blocks, c, b, fetch);
      if (best.row_cycles == 0 || cycles < best.row_cycles * 0.999)
        best = (struct tile){c, b, cycles};
    }
  return best;
}

/* Cycles to fetch a tile's weights again for each row but the first, where
 * those of so many reduction steps do not stay in the L2 cache. */
static double reload_cycles(const struct machine *machine,
                            const struct tile *tile, double rows,
                            double block_bytes, double bytes) {
  if (block_bytes * (double)tile->blocks <= (double)machine->l2_bytes / 2)
    return 0;
  return (rows - 1) * bytes /
         (machine->l3_bytes > 0 ? machine->l3_bytes_per_cycle
                                : machine->memory_bytes_per_cycle);
}

int64_t tile_panel_bytes(const struct machine *machine, int64_t weight_bytes) {
  bool streams = machine->asks_ahead && weight_bytes > machine->l2_bytes / 4;
  return machine->l2_bytes / (streams ? 8 : 2);
}

int64_t tile_resident_blocks(const struct machine *machine,
                             double block_bytes) {
  double blocks = (double)machine->l2_bytes / 2 / block_bytes;
  return blocks < 1                  ? 1
         : blocks < TILE_MOST_BLOCKS ? (int64_t)blocks
                                     : TILE_MOST_BLOCKS;
}

double tile_cache_rate(const struct machine *machine, double bytes) {
  return bytes <= (double)machine->l2_bytes / 2 ? machine->l2_bytes_per_cycle
                                                : machine->l3_bytes_per_cycle;
}

double tile_work_rate(const struct machine *machine, double bytes) {
  return bytes < 0.75 * (double)machine->l2_bytes
             ? machine->l2_bytes_per_cycle
             : tile_far_rate(machine, bytes);
}

double tile_far_rate(const struct machine *machine, double bytes) {
  return bytes < 0.5 * (double)machine->l3_bytes
             ? machine->l3_bytes_per_cycle
             : machine->memory_bytes_per_cycle;
}

double tile_exchange_cycles(const struct machine *machine, double bytes) {
  double others = (double)(machine->cores - 1) / (double)machine->cores;
  return machine->cores == 1
             ? 0
             : bytes * others / machine->exchange_bytes_per_cycle +
                   TILE_BARRIER_CYCLES;
}

double tile_between_cycles(const struct machine *machine, double bytes) {
  return 2 * bytes / tile_cache_rate(machine, bytes) +
         tile_exchange_cycles(machine, bytes);
}

double tile_fusing_cycles(const struct machine *machine, double bytes) {
  return tile_between_cycles(machine, bytes) -
         2 * bytes / machine->l2_bytes_per_cycle;
}

double tile_unevenness(const struct machine *machine, int64_t parts) {
  return (double)(ceil_div(parts, machine->cores) * machine->cores) /
         (double)parts;
}

int64_t tile_window_widest(const struct machine *machine, int64_t reach,
                           int64_t stride, int64_t spare) {
  int64_t registers = machine->vector_registers - spare;
  int64_t columns = (registers - reach + stride - 1) / (1 + stride);
  return columns < 1 ? 1 : columns;
}

size_t tile_window_space(int64_t widest, int64_t *values, size_t capacity) {
  size_t count = 0;
  for (int64_t v = 1; v <= widest && count < capacity; v++)
    values[count++] = v;
  return count;
}

int64_t tile_window_choose(int64_t width, int64_t widest) {
  int64_t best = 0, chosen = 1;
  if (width < 1)
    width = 840; /* open: any tile divides it */
  for (int64_t columns = 1; columns <= widest && columns <= width; columns++) {
    /* Whole tiles and a partial one, each with the cost of two columns more. */
    int64_t cost = (width / columns) * (columns + 2) +
                   (width % columns ? width % columns + 2 : 0);
    if (best == 0 || cost <= best) {
      best = cost;
      chosen = columns;
    }
  }
  return chosen;
}

/* What of a wait for weights passes with other work, if they are asked for. */
#define ASKED_AHEAD 0.75

double tile_direct_cycles(const struct machine *machine, double rows,
                          int64_t width, double steps, int64_t channel_blocks,
                          int64_t block, int64_t most_blocks) {
  struct tile tile = tile_choose(machine, width, channel_blocks, most_blocks);
  double block_bytes = steps * (double)(block * 4);
  double bytes = block_bytes * (double)channel_blocks;
  double row = steps * tile.row_cycles;
  double wait = bytes / machine->weights_bytes_per_cycle - row;
  if (machine->asks_ahead) /* they come while other rows are computed, mostly */
    wait -= ASKED_AHEAD * (wait < rows * row ? wait : rows * row);
  return rows * row + (wait > 0 ? wait : 0) +
         reload_cycles(machine, &tile, rows, block_bytes, bytes);
}

double tile_rows_cycles(const struct machine *machine, int64_t places,
                        int64_t width, int64_t channel_blocks) {
  struct tile tile =
      tile_choose(machine, width, channel_blocks, TILE_MOST_BLOCKS);
  int64_t shares = places / width * (channel_blocks / tile.blocks);
  int64_t rounds = ceil_div(shares, machine->cores);
  return (double)(places / width) * tile.row_cycles *
         (double)(rounds * machine->cores) / (double)shares;
}

int64_t tile_row_length(const struct machine *machine, int64_t height,
                        int64_t width, int64_t channel_blocks) {
  int64_t places = height * width, best = width;
  double least =
      0.98 * tile_rows_cycles(machine, places, width, channel_blocks);
  for (int64_t w = 1; w <= places; w++) {
    if (places % w != 0)
      continue;
    double cycles = tile_rows_cycles(machine, places, w, channel_blocks);
    if (cycles < least * 0.999) {
      least = cycles;
      best = w;
    }
  }
  return best;
}
