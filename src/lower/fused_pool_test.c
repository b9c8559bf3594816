/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling in one kernel with what makes its operand. */
#include "lower/test/random_network.h"

/* A convolution whose result has `extent` rows and columns. */
static struct value *conv_to(struct network *net, const int64_t *extent,
                             int64_t channels, int64_t out, bool bias) {
  struct conv_spec spec = {.out = out, .dilation = {1, 1}, .group = 1};
  int64_t dims[4] = {network_pick(net, 1, 2), channels};
  for (int i = 0; i < 2; i++) {
    spec.kernel[i] = network_pick(net, 1, network_pick(net, 0, 3) ? 3 : 7);
    spec.stride[i] = network_pick(net, 1, 3);
    spec.pads[i] = network_pick(net, 0, spec.kernel[i] / 2);
    spec.pads[2 + i] = network_pick(net, 0, spec.kernel[i] / 2);
    dims[2 + i] = (extent[i] - 1) * spec.stride[i] + spec.kernel[i] -
                  spec.pads[i] - spec.pads[2 + i];
  }
  return network_conv(net, &op_conv, network_input(net, 4, dims), &spec, bias);
}

/* On images that don't stay in half of an L2 cache: operands plain and in
 * blocks, nothing, a bias or activations between, results that are negative. */
static void convolutions_agree(void **state) {
  (void)state;
  static const char *const machines[] = {"llvm -mcpu=x86-64",
                                         "llvm -mcpu=haswell -num-cores=3",
                                         "llvm -mcpu=znver4 -num-cores=1"};
  static const struct op_def *const between[] = {&op_tanh, &op_relu, &op_abs};
  uint32_t count = test_small() ? 12 : 36;
  for (uint32_t seed = 0; seed < count; seed++) {
    struct network net;
    network_start(&net, seed, machines[seed % 3]);
    int64_t wide = net.machine.vector_bits / 32;
    const int64_t extent[2] = {network_pick(&net, 40, 50),
                               network_pick(&net, 40, 50)};
    struct value *x = conv_to(
        &net, extent, seed % 2 ? network_pick(&net, 1, 3) : wide + seed % 3,
        network_pick(&net, 5, 4 * wide), seed % 4 > 0);
    for (uint32_t i = 0; i < seed / 2 % 3; i++)
      x = network_unary(&net, between[network_pick(&net, 0, 2)], x);
    x = network_pool(&net, x, network_pick(&net, 0, 3) ? 3 : 6);
    network_finish(&net, seed % 5 ? x : network_unary(&net, &op_tanh, x));
  }
  assert_true(network_uses("conv_pool") >= count * 3 / 4);
}

/* All of an image is pooled: in rows of any length after a 1x1 convolution, row
 * by row after others; what is added may be another image. */
static void global_pooling_agrees(void **state) {
  (void)state;
  static const struct op_def *const pools[] = {&op_reduce_mean, &op_reduce_max,
                                               &op_reduce_sum, &op_reduce_min};
  static const int64_t sizes[][2] = {{7, 7}, {1, 9}, {13, 1}, {12, 17}, {5, 8}};
  static const char *const machines[] = {"llvm -mcpu=x86-64 -num-cores=1",
                                         "llvm -mcpu=haswell -num-cores=1",
                                         "llvm -mcpu=znver4 -num-cores=2"};
  uint32_t count = test_small() ? 15 : 60;
  size_t before = network_uses("conv_pool");
  for (uint32_t seed = 0; seed < count; seed++) {
    struct network net;
    const int64_t *size = sizes[seed % ARRAY_COUNT(sizes)];
    network_start(&net, seed, machines[seed % 3]);
    const int64_t dims[4] = {network_pick(&net, 1, 2),
                             seed % 2 ? network_pick(&net, 16, 40) : 3, size[0],
                             size[1]};
    struct conv_spec spec =
        network_same_conv(network_pick(&net, 16, 70), seed % 2 ? 1 : 3);
    struct value *in = network_input(&net, 4, dims);
    struct value *x = network_conv(&net, &op_conv, in, &spec, seed % 4 > 0);
    if (seed % 3)
      x = network_binary(&net, &op_add, x,
                         network_conv(&net, &op_conv, in, &spec, true));
    if (seed / 2 % 2)
      x = network_unary(&net, &op_tanh, x);
    x = network_global(&net, pools[network_pick(&net, 0, 3)], x);
    network_finish(&net, seed % 5 ? x : network_unary(&net, &op_abs, x));
  }
  assert_true(network_uses("conv_pool") - before >= count / 2);
}

/* What Winograd's algorithm is quicker for, what others use as well, and
 * windows that would have most rows computed again by many cores, stay two
 * kernels. */
static void two_kernels_where_that_is_quicker(void **state) {
  (void)state;
  for (int why = 0; why < 4; why++) {
    struct network net;
    size_t before = network_uses("conv_pool");
    network_start(&net, 1,
                  why == 2 ? "llvm -mcpu=znver4 -num-cores=48"
                           : "llvm -mcpu=znver4 -num-cores=1");
    const int64_t plain[4] = {1, 3, 97, 97}, blocks[4] = {1, 32, 97, 97};
    struct conv_spec spec = network_same_conv(why == 1 ? 32 : 16, 3);
    struct value *x = network_input(&net, 4, why == 1 ? blocks : plain);
    x = network_conv(&net, &op_conv, x, &spec, true);
    uint32_t seed = net.seed;
    struct value *first = network_pool(&net, x, 3);
    net.seed = seed;
    if (why == 3)
      first = network_binary(&net, &op_add, first, network_pool(&net, x, 3));
    network_finish(&net, first);
    assert_int_equal(network_uses("conv_pool") - before, why == 0);
  }
}

/* Windows that share no element, or overlap; values that a constant makes as
 * large as the image. */
static void elementwise_nodes_agree(void **state) {
  (void)state;
  enum { APART, OVERLAP, LARGER, CASES };
  /* Copies into blocks and back; elementwise kernels. */
  static const size_t generic[CASES] = {2, 3, 4};
  for (uint32_t seed = 0; seed < 8 * CASES; seed++) {
    struct network net;
    uint32_t which = seed % CASES;
    size_t before = network_uses("generic");
    struct conv_spec spec = {.dilation = {1, 1}};
    network_start(&net, seed, network_targets[seed / CASES % 3]);
    for (int i = 0; i < 2; i++) {
      spec.kernel[i] = network_pick(&net, 2, 3);
      spec.stride[i] = spec.kernel[i] + network_pick(&net, 0, 1);
      spec.pads[i] = network_pick(&net, 0, 1);
      spec.pads[2 + i] = network_pick(&net, 0, 1);
    }
    if (which == OVERLAP)
      spec.stride[seed / CASES % 2] = 1;
    int64_t channels = network_pick(&net, 8, 40);
    const int64_t dims[4] = {network_pick(&net, 1, 2), channels,
                             network_pick(&net, 5, 9),
                             network_pick(&net, 5, 9)};
    const int64_t each[4] = {dims[0], channels, 1, 1};
    struct value *x = network_input(&net, 4, which == LARGER ? each : dims);
    x = network_binary(&net, &op_mul, network_constant(&net, 3, each + 1), x);
    if (which == LARGER)
      x = network_binary(&net, &op_add, x, network_constant(&net, 4, dims));
    x = network_unary(&net, seed % 2 ? &op_relu : &op_tanh, x);
    x = network_windows(&net, x, &spec, seed / 2 % 2);
    network_finish(&net, seed % 4 ? x : network_unary(&net, &op_relu, x));
    assert_int_equal(network_uses("generic") - before, generic[which]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(convolutions_agree),
      cmocka_unit_test(global_pooling_agrees),
      cmocka_unit_test(two_kernels_where_that_is_quicker),
      cmocka_unit_test(elementwise_nodes_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
