/* SPDX-License-Identifier: Apache-2.0 */
/* 1x1 convolutions whose places are taken in rows of another length. */
#include "lower/test/random_network.h"

/* 1x1 convolutions of maps that tiles of their rows don't fill: their places
 * in rows of another length, together with what is added to them; but not
 * where the next convolution reads zeros around the rows. */
static void test_regrouped(void **state) {
  (void)state;
  static const int64_t sizes[][2] = {
      {7, 7}, {5, 9}, {3, 11}, {1, 13}, {17, 17}};
  size_t regrouped = 0;
  for (uint32_t seed = 0; seed < 15; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    const int64_t *size = sizes[seed % ARRAY_COUNT(sizes)];
    int64_t dims[4] = {network_pick(&net, 1, 2), network_pick(&net, 16, 40),
                       size[0], size[1]};
    struct conv_spec one = network_same_conv(4 * network_pick(&net, 4, 20), 1);
    struct conv_spec three = network_same_conv(4, seed % 2 ? 3 : 1);
    struct value *a =
        network_conv(&net, &op_conv, network_input(&net, 4, dims), &one, true);
    size_t before = network_regrouped;
    struct value *b = network_conv(
        &net, &op_conv, network_unary(&net, &op_relu, a), &one, seed % 3);
    b = network_unary(&net, &op_tanh, network_binary(&net, &op_add, b, a));
    network_check(&net, network_conv(&net, &op_conv, b, &three, true));
    regrouped += network_regrouped > before;
    arena_destroy(net.arena);
  }
  assert_true(regrouped >= 3); /* with 32 registers, 7 columns fill a tile */
}

/* A reduction of all places takes them in any rows as well. */
static void test_reduced(void **state) {
  (void)state;
  size_t before = network_regrouped;
  for (uint32_t seed = 0; seed < 3; seed++) {
    struct network net;
    network_start(&net, seed, "llvm -mcpu=znver4 -num-cores=1");
    const int64_t dims[4] = {1, 32, 7, 5 + seed};
    struct conv_spec one = network_same_conv(16, 1);
    struct value *x =
        network_conv(&net, &op_conv, network_input(&net, 4, dims), &one, true);
    network_finish(&net, network_global(&net, &op_reduce_mean, x));
  }
  assert_int_equal(network_regrouped - before, 3);
}

/* There is no loop over a single column. */
static void test_one_column(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 2; seed++) {
    struct network net;
    network_start(&net, seed, "llvm -mcpu=znver4 -num-cores=2");
    const int64_t dims[4] = {2, 16, 1, 1};
    struct conv_spec one = network_same_conv(16, 1);
    struct conv_spec each = network_same_conv(16, seed ? 3 : 1);
    each.group = 16;
    struct value *x = network_input(&net, 4, dims);
    x = network_conv(&net, &op_conv, x, seed ? &each : &one, true);
    x = network_conv(&net, &op_conv, network_unary(&net, &op_relu, x),
                     seed ? &one : &each, true);
    network_finish(&net, x);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_regrouped),
      cmocka_unit_test(test_reduced),
      cmocka_unit_test(test_one_column),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
