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

static void test_parts(void **state) {
  (void)state;
  const struct adze_tensor_info outputs[] = {output("places", 10, 1, 1)};
  const struct pose_network *network;
  struct pose_map maps[POSE_MAX_MAPS];
  struct adze_error error = {.message = ""};
  assert_ok(pose_network_find(NULL, outputs, 1, &network, maps, &error), error);
  assert_string_equal(network->name, "head");
  assert_true(network->uses_boxes);
  const struct adze_tensor_info limb[] = {output("places", 8, 1, 1)};
  assert_ok(pose_network_find(NULL, limb, 1, &network, maps, &error), error);
  assert_string_equal(network->name, "limb");
}

/* Two outputs in any order, told apart by their channels. */
static void test_openpose(void **state) {
  (void)state;
  const struct adze_tensor_info outputs[] = {
      output("Mconv7_stage2_L1", 38, 32, 57),
      output("Mconv7_stage2_L2", 19, 32, 57)};
  const struct pose_network *network;
  struct pose_map maps[POSE_MAX_MAPS];
  struct adze_error error = {.message = ""};
  assert_ok(pose_network_find(NULL, outputs, 2, &network, maps, &error), error);
  assert_string_equal(network->name, "openpose");
  assert_int_equal(maps[0].output, 1);
  assert_int_equal(maps[1].output, 0);
  assert_int_equal(maps[0].first_channel, 0);
  assert_int_equal(maps[0].channel_stride, 32 * 57);
  /* Another stage refines them; it is the last that counts, named or not. */
  const struct adze_tensor_info stages[] = {
      output("stage_0_heatmaps", 19, 32, 57),
      output("stage_0_pafs", 38, 32, 57),
      output("stage_1_heatmaps", 19, 32, 57),
      output("stage_1_pafs", 38, 32, 57), output("other", 38, 32, 57)};
  for (size_t first = 0; first < 3; first += 2) {
    assert_ok(pose_network_find(NULL, stages + first, 4 - first, &network, maps,
                                &error),
              error);
    assert_int_equal(maps[0].output, first ? 0 : 2);
    assert_int_equal(maps[1].output, first ? 1 : 3);
  }
  assert_ok(pose_network_find(NULL, stages, 5, &network, maps, &error), error);
  assert_int_equal(maps[1].output, 3);
}

/* Names that say nothing: still the last. */
static void test_openpose_unnamed(void **state) {
  (void)state;
  const struct adze_tensor_info outputs[] = {
      output("a", 38, 32, 50), output("b", 19, 32, 50), output("c", 38, 32, 50),
      output("d", 19, 32, 50)};
  const struct pose_network *network;
  struct pose_map maps[POSE_MAX_MAPS];
  struct adze_error error = {.message = ""};
  assert_ok(pose_network_find("openpose", outputs, 4, &network, maps, &error),
            error);
  assert_int_equal(maps[0].output, 3);
  assert_int_equal(maps[1].output, 2);
}

/* One output, heatmaps first; its channels may be the inner dimension. */
static void test_openpose_joined(void **state) {
  (void)state;
  const struct pose_network *network;
  struct pose_map maps[POSE_MAX_MAPS];
  struct adze_error error = {.message = ""};
  for (int last = 0; last < 2; last++) {
    const struct adze_tensor_info outputs[] = {output("x", 3, 46, 82),
                                               last ? output("y", 46, 82, 57)
                                                    : output("y", 57, 46, 82)};
    assert_ok(pose_network_find(NULL, outputs, 2, &network, maps, &error),
              error);
    assert_string_equal(network->name, "openpose");
    for (int i = 0; i < 2; i++) {
      assert_int_equal(maps[i].output, 1);
      assert_int_equal(maps[i].first_channel, i ? 19 : 0);
      assert_int_equal(maps[i].channels, i ? 38 : 19);
      assert_int_equal(maps[i].height, 46);
      assert_int_equal(maps[i].width, 82);
      assert_int_equal(maps[i].channel_stride, last ? 1 : 46 * 82);
      assert_int_equal(maps[i].row_stride, last ? 57 * 82 : 82);
      assert_int_equal(maps[i].column_stride, last ? 57 : 1);
    }
  }
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
               error, ADZE_INVALID_ARGUMENT, "posenet, openpose, topdown");
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
        pose_network_round_size(&pose_network_posenet, 16, sizes[i][0]),
        sizes[i][1]);
  assert_int_equal(pose_network_round_size(&pose_network_openpose, 8, 660),
                   656);
  assert_int_equal(pose_network_round_size(&pose_network_topdown, 32, 192),
                   192);
  assert_int_equal(pose_network_round_size(&pose_network_topdown, 32, 20), 32);
  assert_int_equal(pose_network_round_size(&pose_network_posenet, 32, 280),
                   257);
}

static void test_table(void **state) {
  (void)state;
  assert_int_equal(adze_pose_network_count(), 5);
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
      cmocka_unit_test(test_posenet),
      cmocka_unit_test(test_posenet_open),
      cmocka_unit_test(test_topdown),
      cmocka_unit_test(test_parts),
      cmocka_unit_test(test_openpose),
      cmocka_unit_test(test_openpose_unnamed),
      cmocka_unit_test(test_openpose_joined),
      cmocka_unit_test(test_others),
      cmocka_unit_test(test_sizes_differ),
      cmocka_unit_test(test_round_size),
      cmocka_unit_test(test_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
