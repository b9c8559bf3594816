/* SPDX-License-Identifier: Apache-2.0 */
/* Strassen's algorithm against the operators' own expressions, where the model
 * chooses it. */
#include "lower/test/random_network.h"
#include "schedule/strassen_plan.h"

/* Groups of rows and whole images, odd numbers of places, strides; what follows
 * reads another value at the same places. */
static void test_strassen(void **state) {
  (void)state;
  static const char *const machines[] = {"llvm -mcpu=x86-64 -num-cores=1",
                                         "llvm -mcpu=haswell -num-cores=2"};
  size_t whole = 0, in_groups = 0;
  for (uint32_t seed = 0; seed < 8; seed++) {
    struct network net;
    network_start(&net, seed, machines[seed % 2]);
    int64_t block = net.machine.vector_bits / 32,
            side = network_pick(&net, 0, 1);
    int64_t dims[4] = {1 + seed / 2 % 2, 48 * block, 7 + side,
                       network_pick(&net, 7, 9)};
    struct conv_spec spec = network_same_conv(96 * block, 1);
    spec.stride[0] = 1 + seed % 3 / 2;
    spec.stride[1] = spec.stride[0];
    struct value *x = network_input(&net, 4, dims);
    struct value *y = network_conv(&net, &op_conv, x, &spec, seed % 4);
    struct strassen_plan plan;
    assert_null(
        strassen_plan_make(&net.machine, block, y->producer, false, &plan));
    whole += plan.is_shared;
    in_groups += !plan.is_shared;
    if (seed % 2)
      y = network_binary(&net, &op_add, y, network_unary(&net, &op_relu, y));
    network_finish(&net, network_unary(&net, &op_relu, y));
  }
  assert_true(whole && in_groups);
  assert_true(network_uses("conv_strassen") >= 6);
}

static void test_depthwise_strassen(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 4; seed++) {
    struct network net;
    network_start(&net, seed, "llvm -mcpu=znver3 -num-cores=1");
    int64_t block = net.machine.vector_bits / 32;
    int64_t dims[4] = {1 + seed / 2, 40 * block, network_pick(&net, 7, 9),
                       network_pick(&net, 6, 8)};
    struct conv_spec each = network_same_conv(dims[1], 3);
    each.group = dims[1];
    each.stride[1] = 1 + seed % 3 / 2;
    struct conv_spec narrow = network_same_conv(128 * block, 1);
    struct value *x = network_conv(&net, &op_conv, network_input(&net, 4, dims),
                                   &each, seed % 3 != 1);
    x = network_unary(&net, seed % 2 ? &op_relu : &op_tanh, x);
    x = network_conv(&net, &op_conv, x, &narrow, seed % 4);
    network_finish(&net, seed % 2 ? network_unary(&net, &op_relu, x) : x);
  }
  assert_int_equal(network_uses("conv_depthwise_strassen"), 4);
}

/* Groups whose halves fill one tile. */
static void test_one_tile(void **state) {
  (void)state;
  static const char *const machines[] = {
      "llvm -mcpu=emeraldrapids -num-cores=1",
      "llvm -mcpu=emeraldrapids -num-cores=2"};
  size_t before = network_uses("conv_strassen");
  for (uint32_t seed = 0; seed < 2; seed++) {
    struct network net;
    network_start(&net, seed, machines[seed % 2]);
    const int64_t dims[4] = {1, 256, 8, 6};
    struct conv_spec spec = network_same_conv(256, 1);
    struct value *x =
        network_conv(&net, &op_conv, network_input(&net, 4, dims), &spec, true);
    struct strassen_plan plan;
    assert_null(
        strassen_plan_make(&net.machine, 16, x->producer, false, &plan));
    assert_true(plan.tile.columns >= plan.half_places);
    network_finish(&net, network_unary(&net, &op_relu, x));
  }
  assert_int_equal(network_uses("conv_strassen") - before, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_strassen),
      cmocka_unit_test(test_depthwise_strassen),
      cmocka_unit_test(test_one_tile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
