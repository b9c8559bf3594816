/* SPDX-License-Identifier: Apache-2.0 */
/* Winograd's algorithm on random networks: every kind of tile, stride and way
 * through an image that the model chooses. */
#include "lower/test/random_network.h"
#include "schedule/winograd_plan.h"

/* Which ways of Winograd's algorithm the model chose in all networks. */
struct winograd_uses {
  size_t in_steps, in_rows, strided, gathered, oblong;
  size_t of_kernel[10], of_tile[8], of_strided_tile[8];
};
static void count_uses(const struct network *net, struct winograd_uses *uses) {
  for (size_t i = 0; i < net->graph->nodes.count; i++) {
    struct winograd_plan plan;
    const char *reason;
    if (!winograd_plan_make(&net->machine, net->machine.vector_bits / 32,
                            net->graph->nodes.data[i], &plan, &reason))
      continue;
    uses->in_steps += plan.rows == 0;
    uses->in_rows += plan.rows > 0;
    uses->strided += plan.in_phases > 1;
    uses->gathered += plan.gathers;
    const struct winograd_transform *y = &plan.transform[0],
                                    *x = &plan.transform[1];
    uses->oblong += y->tile != x->tile;
    uses->of_kernel[y->kernel]++;
    if (y->stride > 1)
      uses->of_strided_tile[y->tile]++;
    else
      uses->of_tile[y->tile]++;
  }
}

/* Without padding. */
static struct conv_spec spec_of(int64_t out, const int64_t *kernel,
                                const int64_t *stride) {
  return (struct conv_spec){.out = out,
                            .kernel = {kernel[0], kernel[1]},
                            .stride = {stride[0], stride[1]},
                            .dilation = {1, 1},
                            .group = 1};
}

static void test_winograd(void **state) {
  (void)state;
  struct winograd_uses uses = {0};
  /* One core, so that rows need not be many to be shared. */
  static const char *const machines[] = {"llvm -mcpu=x86-64 -num-cores=1",
                                         "llvm -mcpu=haswell -num-cores=1",
                                         "llvm -mcpu=znver4"};
  for (uint32_t seed = 0; seed < 24; seed++) {
    struct network net;
    network_start(&net, seed, machines[seed % 3]);
    int64_t kernel = seed % 4 == 1 ? 5 : seed % 8 == 3 ? 7 : 3;
    bool small = kernel > 3;
    int64_t dims[4] = {network_pick(&net, 1, 2),
                       network_pick(&net, 16, small ? 18 : 40),
                       network_pick(&net, 7, small ? 10 : 20),
                       network_pick(&net, small ? 13 : 7,
                                    small      ? 16
                                    : seed % 4 ? 33
                                               : 90)};
    struct conv_spec spec = {
        .out = network_pick(&net, 16, small ? 18 : 40),
        .kernel = {kernel, kernel},
        .stride = {1, 1},
        .dilation = {1, 1},
        .pads = {kernel / 2, network_pick(&net, 0, 2), kernel / 2, 0},
        .group = 1};
    struct value *x = network_input(&net, 4, dims);
    x = network_unary(&net, &op_relu,
                      network_conv(&net, &op_conv, x, &spec, true));
    x = network_conv(&net, &op_conv, x, &spec, seed % 2);
    count_uses(&net, &uses);
    network_finish(&net, x);
  }
  assert_true(uses.in_steps && uses.in_rows);
  assert_true(uses.of_kernel[3] && uses.of_kernel[5] && uses.of_kernel[7]);
  assert_true(uses.of_tile[2] && uses.of_tile[4]);
}

/* Cores would exchange all that lies between steps, so they go in rows. */
static void test_winograd_of_cores(void **state) {
  (void)state;
  static const char *const machines[] = {"llvm -mcpu=znver3 -num-cores=1",
                                         "llvm -mcpu=znver3 -num-cores=2"};
  for (int several = 0; several < 2; several++) {
    struct network net;
    struct winograd_uses uses = {0};
    const int64_t dims[4] = {1, 16, 32, 32};
    network_start(&net, 1, machines[several]);
    struct conv_spec spec = network_same_conv(16, 3);
    struct value *x =
        network_conv(&net, &op_conv, network_input(&net, 4, dims), &spec, true);
    count_uses(&net, &uses);
    assert_int_equal(uses.in_steps, !several);
    assert_int_equal(uses.in_rows, several);
    network_finish(&net, x);
  }
}

/* Elementwise, by channels, without functions that would magnify errors. */
static struct value *channel_epilogue(struct network *net, struct value *x) {
  int64_t dims[4] = {1, value_dim(x, 1), 1, 1};
  x = network_binary(net, &op_mul, x, network_constant(net, 4, dims));
  return network_pick(net, 0, 1) ? network_unary(net, &op_relu, x) : x;
}

static void test_dilated_winograd(void **state) {
  (void)state;
  struct winograd_uses uses = {0};
  for (uint32_t seed = 0; seed < 6; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed / 2 % 3]);
    int64_t dims[4] = {network_pick(&net, 1, 2), network_pick(&net, 16, 24),
                       network_pick(&net, 14, 19), network_pick(&net, 14, 23)};
    int64_t kernel = seed == 3 ? 5 : 3;
    struct conv_spec spec = {
        .out = network_pick(&net, 24, 32),
        .kernel = {kernel, kernel},
        .stride = {1, 1},
        .dilation = {1 + seed % 3, seed % 3 ? 1 + seed % 2 : 3},
        .pads = {2, network_pick(&net, 0, 3), 3, 2},
        .group = 1};
    struct value *x = network_input(&net, 4, dims);
    x = network_conv(&net, &op_conv, x, &spec, seed % 2);
    count_uses(&net, &uses);
    network_finish(&net, channel_epilogue(&net, x));
  }
  assert_true(uses.in_steps >= 4);
  assert_true(uses.of_kernel[3] && uses.of_kernel[5]);
}

/* Less than a block of channels, whose phases are gathered, and more; strides
 * that differ. */
static void test_strided_winograd(void **state) {
  (void)state;
  static const struct {
    int64_t channels, out, extent, kernel[2], stride[2];
  } cases[] = {
      {3, 32, 41, {7, 7}, {2, 2}},  {3, 40, 61, {11, 11}, {4, 4}},
      {2, 33, 39, {5, 9}, {2, 3}},  {17, 24, 33, {5, 5}, {2, 2}},
      {18, 32, 35, {7, 4}, {2, 1}}, {5, 24, 30, {6, 6}, {2, 2}},
  };
  struct winograd_uses uses = {0};
  for (uint32_t seed = 0; seed < 3 * ARRAY_COUNT(cases); seed++) {
    size_t i = seed / 3;
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    int64_t dims[4] = {1 + seed % 2, cases[i].channels,
                       cases[i].extent + network_pick(&net, 0, 4),
                       cases[i].extent};
    struct conv_spec spec =
        spec_of(cases[i].out, cases[i].kernel, cases[i].stride);
    spec.pads[0] = network_pick(&net, 0, 3);
    spec.pads[1] = 3;
    spec.pads[2] = 2;
    spec.pads[3] = network_pick(&net, 0, 2);
    struct value *x = network_input(&net, 4, dims);
    x = network_conv(&net, &op_conv, x, &spec, seed % 4);
    count_uses(&net, &uses);
    network_finish(&net, channel_epilogue(&net, x));
  }
  assert_true(uses.in_rows && uses.gathered && uses.strided > uses.gathered);
}

/* Transforms that have the stride, and other ones along y than along x: images
 * of few rows, kernels of one row. */
static void test_oblong_winograd(void **state) {
  (void)state;
  static const struct {
    int64_t channels, out, extent[2], kernel[2], stride[2];
  } cases[] = {
      {64, 48, {34, 37}, {3, 3}, {2, 2}}, {48, 64, {29, 25}, {3, 3}, {2, 2}},
      {33, 24, {21, 18}, {3, 3}, {2, 1}}, {31, 50, {20, 26}, {4, 4}, {3, 3}},
      {32, 40, {6, 8}, {3, 3}, {1, 1}},   {48, 32, {3, 16}, {3, 3}, {1, 1}},
      {24, 32, {12, 17}, {1, 7}, {1, 1}}, {32, 17, {19, 11}, {5, 1}, {1, 1}},
      {19, 24, {15, 13}, {2, 4}, {1, 1}}, {32, 32, {30, 14}, {1, 3}, {1, 2}},
  };
  static const char *const machines[] = {
      "llvm -mcpu=x86-64 -num-cores=1", "llvm -mcpu=haswell -num-cores=1",
      "llvm -mcpu=sapphirerapids -num-cores=1"};
  struct winograd_uses uses = {0};
  for (uint32_t seed = 0; seed < 3 * ARRAY_COUNT(cases); seed++) {
    size_t i = seed / 3;
    struct network net;
    network_start(&net, seed, machines[seed % 3]);
    int64_t dims[4] = {1 + seed % 2, cases[i].channels,
                       cases[i].extent[0] + network_pick(&net, 0, 2),
                       cases[i].extent[1]};
    struct conv_spec spec =
        spec_of(cases[i].out, cases[i].kernel, cases[i].stride);
    spec.pads[0] = network_pick(&net, 0, 1);
    spec.pads[1] = 1;
    spec.pads[3] = network_pick(&net, 0, 2);
    struct value *x = network_input(&net, 4, dims);
    x = network_unary(&net, &op_relu,
                      network_conv(&net, &op_conv, x, &spec, seed % 4));
    count_uses(&net, &uses);
    network_finish(&net, channel_epilogue(&net, x));
  }
  assert_true(uses.in_rows && uses.in_steps && uses.oblong);
  assert_true(uses.of_strided_tile[2] && uses.of_strided_tile[3]);
  assert_true(uses.of_tile[1] && uses.of_kernel[1]);
}

static void test_transposed_winograd(void **state) {
  (void)state;
  static const struct {
    int target;
    int64_t channels, extent, kernel[2], stride[2];
  } cases[] = {
      {0, 20, 13, {4, 4}, {2, 2}}, {1, 31, 20, {3, 3}, {2, 2}},
      {2, 16, 10, {5, 5}, {2, 2}}, {2, 16, 11, {2, 4}, {1, 2}},
      {0, 18, 11, {3, 3}, {1, 1}}, {2, 17, 26, {2, 2}, {1, 1}},
  };
  struct winograd_uses uses = {0};
  for (uint32_t i = 0; i < ARRAY_COUNT(cases); i++) {
    struct network net;
    network_start(&net, i, network_targets[cases[i].target]);
    int64_t dims[4] = {1 + i % 2, cases[i].channels, cases[i].extent,
                       cases[i].extent - network_pick(&net, 0, 2)};
    struct conv_spec spec =
        spec_of(cases[i].channels, cases[i].kernel, cases[i].stride);
    spec.pads[0] = 1;
    spec.pads[1] = network_pick(&net, 0, 2);
    spec.pads[2] = network_pick(&net, 0, 2);
    spec.pads[3] = 1;
    struct value *x = network_input(&net, 4, dims);
    x = network_conv(&net, &op_conv_transpose, x, &spec, i % 3);
    count_uses(&net, &uses);
    network_finish(&net, channel_epilogue(&net, x));
  }
  assert_int_equal(uses.in_steps + uses.in_rows, ARRAY_COUNT(cases));
  assert_true(uses.of_kernel[2] && uses.of_kernel[3]);
  assert_true(uses.of_tile[3] && uses.of_tile[4] && uses.of_tile[5]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_winograd),
      cmocka_unit_test(test_winograd_of_cores),
      cmocka_unit_test(test_dilated_winograd),
      cmocka_unit_test(test_strided_winograd),
      cmocka_unit_test(test_oblong_winograd),
      cmocka_unit_test(test_transposed_winograd),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
