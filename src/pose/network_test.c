/* SPDX-License-Identifier: Apache-2.0 */
/* Telling networks from their outputs, and the sizes they take. */
#include "test.h"

#include "pose/network.h"

static struct adze_tensor_info output(const char *name, int64_t a, int64_t b,
                                      int64_t c) {
  return (struct adze_tensor_info){
      .name = name, .dtype = ADZE_F32, .rank = 4, .dims = {1, a, b, c}};
}

static void test_posenet(void **state) {
  (void)state;
  /* In any order; told apart by name. */
  const struct adze_tensor_info outputs[] = {
      output("displacement_bwd", 32, 9, 7), output("heatmap", 17, 9, 7),
      output("displacement_fwd", 32, 9, 7), output("offset_2", 34, 9, 7),
      output("segments", 1, 9, 7)};
  const struct pose_network *network;
  struct pose_map maps[POSE_MAX_MAPS];
  struct adze_error error = {.message = ""};
  assert_ok(pose_network_find(NULL, outputs, 5, &network, maps, &error), error);
  assert_string_equal(network->name, "posenet");
  static const size_t expected[] = {1, 3, 2, 0};
  for (int i = 0; i < 4; i++) {
    assert_int_equal(maps[i].output, expected[i]);
    assert_int_equal(maps[i].height, 9);
    assert_int_equal(maps[i].width, 7);
    assert_int_equal(maps[i].channel_stride, 63);
    assert_int_equal(maps[i].row_stride, 7);
  }
}

/* Names that say nothing: in order. Channels last, sizes open. */
static void test_posenet_open(void **state) {
  (void)state;
  const struct adze_tensor_info outputs[] = {
      output("a", -1, -1, 17), output("b", -1, -1, 34), output("c", -1, -1, 32),
      output("d", -1, -1, 32)};
  const struct pose_network *network;
  struct pose_map maps[POSE_MAX_MAPS];
  struct adze_error error = {.message = ""};
  assert_ok(pose_network_find(NULL, outputs, 4, &network, maps, &error), error);
  assert_string_equal(network->name, "posenet");
  for (int i = 0; i < 4; i++) {
    assert_int_equal(maps[i].output, i);
    assert_int_equal(maps[i].height, 0);
    assert_int_equal(maps[i].channel_stride, 1);
  }
}

static void test_topdown(void **state) {
  (void)state;
  const struct adze_tensor_info outputs[] = {output("x", 17, 64, 48)};
  const struct pose_network *network;
  struct pose_map maps[POSE_MAX_MAPS];
  struct adze_error error = {.message = ""};
  assert_ok(pose_network_find(NULL, outputs, 1, &network, maps, &error), error);
  assert_string_equal(network->name, "topdown");
  assert_true(network->uses_boxes);
  assert_ok(pose_network_find("topdown", outputs, 1, &network, maps, &error),
            error);
}

static void test_others(void **state) {
  (void)state;
  struct adze_tensor_info outputs[] = {output("x", 18, 64, 48),
                                       output("y", 17, 0, 48),
                                       output("z", 17, 64, 1 << 20)};
  const struct pose_network *network;
  struct pose_map maps[POSE_MAX_MAPS];
  struct adze_error error;
  assert_fails(pose_network_find(NULL, outputs, 3, &network, maps, &error),
               error, ADZE_UNSUPPORTED, "not a pose network");
  assert_fails(pose_network_find(NULL, NULL, 0, &network, maps, &error), error,
               ADZE_UNSUPPORTED, "not a pose network");
  assert_fails(pose_network_find("posenet", outputs, 3, &network, maps, &error),
               error, ADZE_UNSUPPORTED, "heatmap");
  assert_fails(pose_network_find("poznet", outputs, 3, &network, maps, &error),
               error, ADZE_INVALID_ARGUMENT, "posenet, topdown");
  outputs[0] = output("x", 17, 64, 48);
  outputs[0].dtype = ADZE_F16;
  assert_fails(pose_network_find(NULL, outputs, 1, &network, maps, &error),
               error, ADZE_UNSUPPORTED, "not a pose network");
  outputs[0].dtype = ADZE_F32;
  outputs[0].rank = 3;
  assert_fails(pose_network_find(NULL, outputs, 1, &network, maps, &error),
               error, ADZE_UNSUPPORTED, "not a pose network");
}

/* Four PoseNet maps of different sizes are not PoseNet's; the heatmap alone is
 * a top-down network's. */
static void test_sizes_differ(void **state) {
  (void)state;
  struct adze_tensor_info outputs[] = {
      output("heatmap", 17, 9, 7), output("offset", 34, 9, 8),
      output("fwd", 32, 9, 7), output("bwd", 32, 9, 7)};
  const struct pose_network *network;
  struct pose_map maps[POSE_MAX_MAPS];
  struct adze_error error = {.message = ""};
  assert_ok(pose_network_find(NULL, outputs, 4, &network, maps, &error), error);
  assert_string_equal(network->name, "topdown");
  outputs[1] = output("offset", 34, 10, 7);
  assert_ok(pose_network_find(NULL, outputs, 4, &network, maps, &error), error);
  assert_string_equal(network->name, "topdown");
  outputs[1] = output("offset", 34, 9, 7);
  assert_ok(pose_network_find(NULL, outputs, 4, &network, maps, &error), error);
  assert_string_equal(network->name, "posenet");
}

static void test_round_size(void **state) {
  (void)state;
  static const int sizes[][2] = {{513, 513}, {512, 513}, {641, 641},
                                 {640, 641}, {340, 337}, {17, 17},
                                 {16, 17},   {1, 17},    {0, 17}};
  for (size_t i = 0; i < ARRAY_COUNT(sizes); i++)
    assert_int_equal(
        pose_network_round_size(&pose_network_posenet, sizes[i][0]),
        sizes[i][1]);
  assert_int_equal(pose_network_round_size(&pose_network_topdown, 192), 192);
  assert_int_equal(pose_network_round_size(&pose_network_topdown, 20), 32);
}

static void test_table(void **state) {
  (void)state;
  assert_int_equal(adze_pose_network_count(), 2);
  for (size_t i = 0; i < adze_pose_network_count(); i++) {
    assert_true(strlen(adze_pose_network_name(i)) > 0);
    assert_true(strlen(adze_pose_network_summary(i)) > 0);
  }
  assert_string_equal(adze_keypoint_name(ADZE_KEYPOINT_NOSE), "nose");
  assert_string_equal(adze_keypoint_name(ADZE_KEYPOINT_RIGHT_ANKLE),
                      "right_ankle");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_posenet),      cmocka_unit_test(test_posenet_open),
      cmocka_unit_test(test_topdown),      cmocka_unit_test(test_others),
      cmocka_unit_test(test_sizes_differ), cmocka_unit_test(test_round_size),
      cmocka_unit_test(test_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
