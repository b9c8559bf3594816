/* SPDX-License-Identifier: Apache-2.0 */
/* 1x1 convolutions whose places are taken in rows of another length, and those
 * with strides, which read a copy for that. */
#include "lower/test/random_network.h"

static const char *const targets[] = {"llvm -mcpu=x86-64", "llvm -mcpu=haswell",
                                      "llvm -mcpu=znver4"};

static size_t count_slices(const struct network *net) {
  size_t count = 0;
  for (size_t i = 0; i < net->graph->nodes.count; i++)
    count += net->graph->nodes.data[i]->op == &op_slice;
  return count;
}

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
    network_start(&net, seed, targets[seed % 3]);
    const int64_t *size = sizes[seed % ARRAY_COUNT(sizes)];
    int64_t dims[4] = {network_pick(&net, 1, 2), network_pick(&net, 16, 40),
                       size[0], size[1]};
    int64_t pad = seed % 2;
    struct conv_spec one = {.out = 4 * network_pick(&net, 4, 20),
                            .kernel = {1, 1},
                            .stride = {1, 1},
                            .dilation = {1, 1},
                            .group = 1};
    struct conv_spec three = {.out = 4,
                              .kernel = {1 + 2 * pad, 1 + 2 * pad},
                              .stride = {1, 1},
                              .dilation = {1, 1},
                              .pads = {pad, pad, pad, pad},
                              .group = 1};
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
    network_start(&net, seed, targets[seed % 3]);
    int64_t dims[4] = {network_pick(&net, 1, 2), network_pick(&net, 16, 40),
                       network_pick(&net, 13, 14), network_pick(&net, 13, 14)};
    struct conv_spec one = {.out = 128,
                            .kernel = {1, 1},
                            .stride = {2, network_pick(&net, 1, 2)},
                            .dilation = {1, 1},
                            .group = 1};
    struct conv_spec three = {.out = 4,
                              .kernel = {3, 3},
                              .stride = {1, 1},
                              .dilation = {1, 1},
                              .pads = {1, 1, 1, 1},
                              .group = 1};
    struct value *x = network_input(&net, 4, dims);
    x = network_conv(&net, &op_conv, x, &one, seed % 2);
    x = network_unary(&net, &op_tanh, x);
    if (seed % 4 == 0)
      x = network_conv(&net, &op_conv, x, &three, false);
    network_check(&net, x);
    size_t copies = count_slices(&net);
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
