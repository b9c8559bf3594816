/* SPDX-License-Identifier: Apache-2.0 */
/* The analytic model of register tiles: columns of a row by blocks of output
 * channels, one vector each. */
#ifndef SCHEDULE_TILE_H
#define SCHEDULE_TILE_H

#include "schedule/builder.h"

enum { TILE_MOST_BLOCKS = 4 };
/* For a worker to wait for all others. */
#define TILE_BARRIER_CYCLES 2000
enum tile_knob { TILE_COLUMNS, TILE_BLOCKS, TILE_UNROLL };

/* The values that a knob can take on this machine; returns their number. */
size_t tile_space(const struct builder *builder, enum tile_knob knob,
                  int64_t *values, size_t capacity);

/* The divisors of `total`, as the values of a knob; returns their number. */
size_t tile_divisors(int64_t total, int64_t *values, size_t capacity);
/* The largest divisor of `total` that is at most `most`; at least 1. */
int64_t tile_divisor(int64_t total, int64_t most);
/* How many of `tiles`, at most `most`, one worker takes at a time, in each of
 * `rows`: a divisor that leaves enough panels for all cores to have like
 * shares. */
int64_t tile_panel(const struct machine *machine, int64_t tiles, int64_t most,
                   int64_t rows);

struct tile {
  int64_t columns, blocks;
  double row_cycles; /* of one reduction step of a row, in every block */
};
/* The tile of at most `most_blocks` blocks that computes rows of `width`
 * columns (-1: open) for `channel_blocks` blocks in the fewest cycles. */
struct tile tile_choose(const struct machine *machine, int64_t width,
                        int64_t channel_blocks, int64_t most_blocks);

/* The same where the first tile of each row waits for its weights: `fetch`
 * cycles for those of one step for one block. */
struct tile tile_choose_streamed(const struct machine *machine, int64_t width,
                                 int64_t channel_blocks, int64_t most_blocks,
                                 double fetch);

/* How many blocks of output channels, at least 1, have their weights in half of
 * the L2 cache. */
int64_t tile_resident_blocks(const struct machine *machine, double block_bytes);

/* How many bytes of a layer's weights a panel may have, which many places pass
 * by: half of the L2 cache; an eighth where those of the next panel must come
 * into it meanwhile. */
int64_t tile_panel_bytes(const struct machine *machine, int64_t weight_bytes);

/* Bytes a cycle from where so many stay, when one kernel reads what another has
 * written. */
double tile_cache_rate(const struct machine *machine, double bytes);
/* The same in a kernel that fills most of a cache with what it works on. */
double tile_work_rate(const struct machine *machine, double bytes);
/* The same where the L2 cache does not hold them. */
double tile_far_rate(const struct machine *machine, double bytes);
/* Cycles to read what other cores wrote, of so many bytes in all, and to wait
 * for them; 0 of one core. */
double tile_exchange_cycles(const struct machine *machine, double bytes);
/* Cycles, of one core, to write what lies between two kernels and to read it
 * back, other cores' share too. */
double tile_between_cycles(const struct machine *machine, double bytes);
/* What of that one kernel saves which keeps it in the L2 cache instead. */
double tile_fusing_cycles(const struct machine *machine, double bytes);
/* How much longer the busiest core works than if all had like shares of so many
 * parts. */
double tile_unevenness(const struct machine *machine, int64_t parts);

/* Columns of a row of windows that are summed side by side, a register each,
 * besides the elements that they share and `spare` registers: at most; any
 * number up to that, as a knob's values; and the best of `width` (below 1:
 * open). */
int64_t tile_window_widest(const struct machine *machine, int64_t reach,
                           int64_t stride, int64_t spare);
size_t tile_window_space(int64_t widest, int64_t *values, size_t capacity);
int64_t tile_window_choose(int64_t width, int64_t widest);

/* Cycles of direct convolution, of one core: so many rows of `width` columns,
 * and reduction steps, in tiles of at most so many blocks. The first row waits
 * for the weights. */
double tile_direct_cycles(const struct machine *machine, double rows,
                          int64_t width, double steps, int64_t channel_blocks,
                          int64_t block, int64_t most_blocks);

/* Cycles of one reduction step of all places, in rows of `width`, for all
 * blocks of output channels, as if one core did all that the busiest does. */
double tile_rows_cycles(const struct machine *machine, int64_t places,
                        int64_t width, int64_t channel_blocks);
/* How long rows should be that have these places, where any length that
 * divides their number is possible; `width` unless that gains something. */
int64_t tile_row_length(const struct machine *machine, int64_t height,
                        int64_t width, int64_t channel_blocks);

#endif
