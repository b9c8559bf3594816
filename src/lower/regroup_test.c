/* SPDX-License-Identifier: Apache-2.0 */
/* 1x1 convolutions whose places are taken in rows of another length, and those
 * with strides, which read a copy for that. */
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

/* 1x1 convolutions with strides: on a copy of the places that they read, where
 * rows of the result can then be regrouped and that gains something. */
static void test_strides(void **state) {
  (void)state;
  size_t copied = 0, halos = 0;
  for (uint32_t seed = 0; seed < 24; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    int64_t dims[4] = {network_pick(&net, 1, 2), network_pick(&net, 16, 40),
                       network_pick(&net, 13, 14), network_pick(&net, 13, 14)};
    struct conv_spec one = {.out = 128,
                            .kernel = {1, 1},
                            .stride = {2, network_pick(&net, 1, 2)},
                            .dilation = {1, 1},
                            .group = 1};
    struct conv_spec three = network_same_conv(4, 3);
    struct value *x = network_input(&net, 4, dims);
    x = network_conv(&net, &op_conv, x, &one, seed % 2);
    x = network_unary(&net, &op_tanh, x);
    if (seed % 4 == 0)
      x = network_conv(&net, &op_conv, x, &three, false);
    network_check(&net, x);
    size_t copies = network_count_nodes(&net, &op_slice);
    if (seed % 4 == 0)
      halos += copies;
    else
      copied += copies;
    arena_destroy(net.arena);
  }
  assert_true(copied >= 6);
  assert_int_equal(halos, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_regrouped),
      cmocka_unit_test(test_strides),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
