/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions of small images as products with gathered places. */
#include "lower/test/random_network.h"

static int64_t output_extent(const struct conv_spec *spec, int64_t in,
                             int axis) {
  int64_t reach = (spec->kernel[axis] - 1) * spec->dilation[axis] + 1;
  int64_t room = in + spec->pads[axis] + spec->pads[2 + axis] - reach;
  return room / spec->stride[axis] + 1;
}

/* With a stride, kernels of any size, dilations and padding; what is gathered
 * has one, two or more chunks. */
static void test_windows(void **state) {
  (void)state;
  size_t before = network_uses("conv_im2col"), networks = 0;
  for (uint32_t seed = 0; seed < 24; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    int64_t dims[4] = {network_pick(&net, 1, 2),
                       seed % 4 ? network_pick(&net, 16, 40) : 160,
                       network_pick(&net, 9, 15), network_pick(&net, 9, 15)};
    struct conv_spec spec = {.out = 128 + 8 * network_pick(&net, 0, 1),
                             .group = 1};
    for (int i = 0; i < 2; i++) {
      spec.kernel[i] = seed % 4 ? network_pick(&net, 1, 4) : 1;
      spec.stride[i] = 2;
      spec.dilation[i] = network_pick(&net, 1, 2);
      spec.pads[i] = network_pick(&net, 0, 2);
      spec.pads[2 + i] = network_pick(&net, 0, 2);
    }
    if (output_extent(&spec, dims[2], 0) < 2 ||
        output_extent(&spec, dims[3], 1) < 2) {
      arena_destroy(net.arena);
      continue;
    }
    networks++;
    struct value *x = network_input(&net, 4, dims);
    x = network_conv(&net, &op_conv, x, &spec, seed % 2);
    if (seed % 3)
      x = network_unary(&net, &op_tanh, x);
    network_finish(&net, x);
  }
  assert_true(networks >= 20);
  assert_true(network_uses("conv_im2col") - before >= 6);
}

/* A 1x1 convolution, and one that reads its result, alone or in a concatenation
 * in which it lies. */
static void check_halo(uint32_t seed, bool in_list) {
  struct network net;
  size_t before = network_uses("conv_im2col");
  network_start(&net, seed, "llvm -mcpu=haswell");
  int64_t dims[4] = {
      1, in_list ? 8 * network_pick(&net, 8, 12) : network_pick(&net, 64, 96),
      7, 7};
  bool halo = seed % 2;
  struct conv_spec one = network_same_conv(128, 1);
  struct conv_spec next = network_same_conv(4, halo ? 3 : 1);
  struct value *in = network_input(&net, 4, dims);
  struct value *x = network_conv(&net, &op_conv, in, &one, seed % 3);
  x = network_unary(&net, &op_relu, x);
  if (in_list) {
    struct value *parts[2] = {x, network_unary(&net, &op_tanh, in)};
    struct node *list;
    network_add_node(&net, &op_concat, parts, 2, &list);
    node_set_int(list, "axis", 1);
    x = network_infer_node(&net, list);
  }
  network_finish(&net, network_conv(&net, &op_conv, x, &next, true));
  assert_int_equal(network_uses("conv_im2col") - before, halo);
}

/* Where the next one reads zeros around the rows they can't be regrouped, and
 * their places are gathered; else they are not. */
static void test_halos(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 12; seed++)
    check_halo(seed, false);
}

static void test_halos_of_lists(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 6; seed++)
    check_halo(seed, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_windows),
      cmocka_unit_test(test_halos),
      cmocka_unit_test(test_halos_of_lists),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
