/* SPDX-License-Identifier: Apache-2.0 */
/* What the analytic model of tiles makes of a machine. */
#include "test.h"

#include "machine/machine.h"
#include "schedule/tile.h"
#include "schedule/window.h"

static struct arena *arena;

static int set_up(void **state) {
  (void)state;
  arena = arena_create("tile_test");
  return 0;
}
static int tear_down(void **state) {
  (void)state;
  arena_destroy(arena);
  return 0;
}

static struct machine parse(const char *line) {
  struct machine machine;
  struct adze_error error;
  assert_ok(machine_parse(arena, line, &machine, &error), error);
  return machine;
}

/* Two tiles of two blocks wait for their weights twice as long as one tile of
 * one block; who gets weights at once has no reason for such a tile. */
static void streams_count(void **state) {
  (void)state;
  struct machine machine = parse("llvm -mcpu=emeraldrapids");
  struct tile at_once = tile_choose(&machine, 49, 16, TILE_MOST_BLOCKS);
  struct tile streamed =
      tile_choose_streamed(&machine, 49, 16, TILE_MOST_BLOCKS, 13);
  assert_true(at_once.blocks > 1);
  assert_int_equal(streamed.blocks, 1);
  assert_int_equal(streamed.columns, 25);
  assert_true(streamed.row_cycles > at_once.row_cycles);
  struct tile late =
      tile_choose_streamed(&machine, 49, 16, TILE_MOST_BLOCKS, 100);
  assert_true(late.row_cycles >= 16 * 100);
}

static void weights_stay_in_half_of_l2(void **state) {
  (void)state;
  struct machine machine = parse("llvm -mcpu=znver4"); /* 1 MiB */
  assert_int_equal(tile_resident_blocks(&machine, 1 << 10), TILE_MOST_BLOCKS);
  assert_int_equal(tile_resident_blocks(&machine, 200 << 10), 2);
  assert_int_equal(tile_resident_blocks(&machine, 4 << 20), 1);
}

/* The first row waits for weights, the others find them in the cache. */
static void direct_convolution_waits_once(void **state) {
  (void)state;
  struct machine machine = parse("llvm -mcpu=znver4");
  double one =
      tile_direct_cycles(&machine, 1, 3, 256, 32, 16, TILE_MOST_BLOCKS);
  double eight =
      tile_direct_cycles(&machine, 8, 3, 256, 32, 16, TILE_MOST_BLOCKS);
  double bytes = 256 * 32 * 16 * 4;
  assert_true(one >= bytes / machine.memory_bytes_per_cycle);
  assert_true(eight < 6 * one);
  machine_hold_weights(&machine, 1 << 20);
  assert_true(machine.weights_bytes_per_cycle == machine.l3_bytes_per_cycle);
  assert_true(
      one > tile_direct_cycles(&machine, 1, 3, 256, 32, 16, TILE_MOST_BLOCKS));
  machine_hold_weights(&machine, 1 << 30);
  assert_true(machine.weights_bytes_per_cycle ==
              machine.memory_bytes_per_cycle);
}

static void sums_leave_out_what_only_fills_blocks(void **state) {
  (void)state;
  static const int64_t cases[][3] = {/* channels, chunk, summed */
                                     {64, 16, 64}, {24, 8, 24}, {12, 4, 12},
                                     {20, 4, 20},  {6, 16, 16}, {33, 16, 48}};
  for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
    assert_int_equal(window2d_chunk(cases[i][0], 16), cases[i][1]);
    assert_int_equal(window2d_summed(cases[i][0], 16), cases[i][2]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(streams_count, set_up, tear_down),
      cmocka_unit_test_setup_teardown(weights_stay_in_half_of_l2, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(direct_convolution_waits_once, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(sums_leave_out_what_only_fills_blocks,
                                      set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
