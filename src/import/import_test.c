/* SPDX-License-Identifier: Apache-2.0 */
/* Importing the networks that adze must read, their shapes, open and fixed; the
 * user's shapes; reports. */
#include "import/test/import_test.h"

#include "op/op.h"

#define ZOO ADZE_SHARED "/zoo/"
#define MODELS ADZE_SHARED "/models/onnx/"

static bool is_there(const char *path) {
  return access(path, R_OK) == 0;
}

/* ---- The shared networks ------------------------------------------------- */

static const struct {
  const char *path, *shapes, *inputs, *outputs;
} networks[] = {
    {ZOO "alexnet.onnx", NULL, "input[1, 3, 224, 224]", "36[1, 1000]"},
    {ZOO "cifar_resnet20.onnx", NULL, "input[1, 3, 32, 32]", "200[1, 10]"},
    {ZOO "densenet121.onnx", NULL, "input[1, 3, 224, 224]", "1158[1, 1000]"},
    {ZOO "googlenet.onnx", NULL, "input[1, 3, 224, 224]", "540[1, 1000]"},
    {ZOO "hrnet_w32.onnx", NULL, "input[1, 3, 256, 192]", "3225[1, 1000]"},
    {ZOO "inception_v2.onnx", NULL, "input[1, 3, 224, 224]", "647[1, 1000]"},
    {ZOO "mobilenet_v2.onnx", NULL, "input[1, 3, 224, 224]", "536[1, 1000]"},
    {ZOO "openpose_light.onnx", NULL, "input[1, 3, 256, 456]",
     "392[1, 19, 32, 57] 395[1, 38, 32, 57]"},
    {ZOO "posenet.onnx", NULL, "input[1, 3, 257, 257]",
     "172[1, 17, 17, 17] 173[1, 34, 17, 17] 174[1, 32, 17, 17] "
     "175[1, 32, 17, 17]"},
    {ZOO "resnet101.onnx", NULL, "input[1, 3, 224, 224]", "971[1, 1000]"},
    {ZOO "resnet18.onnx", NULL, "input[1, 3, 224, 224]", "191[1, 1000]"},
    {ZOO "resnet50.onnx", NULL, "input[1, 3, 224, 224]", "495[1, 1000]"},
    {ZOO "simplepose_r50.onnx", NULL, "input[1, 3, 256, 192]",
     "520[1, 17, 64, 48]"},
    {MODELS "SqueezeNet_fp16.onnx", NULL, "data_0[1, 3, 224, 224]",
     "softmaxout_1[1, 1000, 1, 1]"},
    {MODELS "cifar_resnet20_trained.onnx", NULL, "image[batch, 3, 32, 32]",
     "logits[batch, 10]"},
    {MODELS "mnist.onnx", NULL, "Input3[1, 1, 28, 28]",
     "Plus214_Output_0[1, 10]"},
    {MODELS "posenet_mnv1_050.onnx", "image:[1,3,513,?]",
     "image[1, 3, 513, width]",
     "heatmap[1, 17, 33, floordiv(width + 15, 16)] "
     "offset[1, 34, 33, floordiv(width + 15, 16)] "
     "displacement_fwd[1, 32, 33, floordiv(width + 15, 16)] "
     "displacement_bwd[1, 32, 33, floordiv(width + 15, 16)]"},
    {MODELS "tfpose_mobilenet_v2_small.onnx", "image:0:[1, 3, 368, 432]",
     "image:0[1, 3, 368, 432]", "Openpose/concat_stage7:0[1, 57, 46, 54]"},
    {MODELS "tfpose_mobilenet_v2_small.onnx", "image:0:[n,3,height,432]",
     "image:0[n, 3, height, 432]",
     "Openpose/concat_stage7:0[n, 57, floordiv(height + 7, 8), 54]"},
    {MODELS "ultraface_version-RFB-320.onnx", NULL, "input[1, 3, 240, 320]",
     "scores[1, 4420, 2] boxes[1, 4420, 4]"},
    {MODELS "ultralight_simplepose.onnx", NULL, "data[1, 3, 256, 192]",
     "hybridsequential0_conv7_fwd[1, 17, 64, 48]"},
};

/* The zoo's weights are absent, which only looking at a model allows. */
static void shared_networks(void **state) {
  struct fixture *f = *state;
  if (!is_there(networks[0].path)) {
    test_skip("../shared is absent");
    return;
  }
  for (size_t i = 0; i < ARRAY_COUNT(networks); i++) {
    struct import_report report;
    assert_ok(fixture_inspect(f, networks[i].path, networks[i].shapes,
                              &report),
              f->error);
    if (report.problems.count > 0)
      fail_msg("%s", report.problems.data[0]);
    struct graph *graph = report.graph;
    assert_string_equal(
        fixture_shapes(f, graph->inputs.data, graph->inputs.count),
        networks[i].inputs);
    assert_string_equal(
        fixture_shapes(f, graph->outputs.data, graph->outputs.count),
        networks[i].outputs);
    assert_ok(graph_verify(graph, &f->error), f->error);
    for (size_t k = 0; k < graph->nodes.count; k++)
      assert_true(graph->nodes.data[k]->op->fusion != FUSION_METADATA);
  }
}

static void weights_must_be_there(void **state) {
  struct fixture *f = *state;
  struct graph *graph;
  if (!is_there(ZOO "resnet18.onnx")) {
    test_skip("../shared is absent");
    return;
  }
  assert_fails(fixture_import_path(f, ZOO "resnet18.onnx", NULL, &graph),
               f->error, ADZE_INVALID_MODEL,
               "has 0 bytes of data where its shape needs");
}

/* ---- The user's shapes --------------------------------------------------- */

static struct text open_model(struct model *m) {
  model_begin(m, 17);
  model_input(m, "image", 1, 4, (int64_t[]){MODEL_OPEN, 3, MODEL_OPEN, 8});
  model_node(m, "Relu", "relu", "image", "y", NULL);
  model_output(m, "y");
  return model_bytes(m);
}

static void shapes_given(void **state) {
  struct fixture *f = *state;
  struct model m;
  struct graph *graph;
  struct text bytes = open_model(&m);
  static const struct {
    const char *given, *found;
  } cases[] = {
      {NULL, "image[image_0, 3, image_2, 8]"},
      {"", "image[image_0, 3, image_2, 8]"},
      {"image:[1,3,5,8]", "image[1, 3, 5, 8]"},
      {" image:[ 1 , 3, -1 , 8 ] ", "image[1, 3, image_2, 8]"},
      {"image:[n,3,0,8]", "image[n, 3, image_2, 8]"},
      {"image:[?,3,h,h]", "image[image_0, 3, h, h]"},
  };
  for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
    assert_ok(fixture_import(f, &bytes, cases[i].given, &graph), f->error);
    assert_string_equal(fixture_shapes(f, graph->inputs.data, 1),
                        cases[i].found);
  }
  static const struct {
    const char *given, *sentence;
  } wrong[] = {
      {"picture:[1,3,5,8]", "no input 'picture'; its inputs are 'image'"},
      {"image:[1,3,5]", "'image' has 4 dimensions in the model, [?,3,?,8]"},
      {"image", "not of the form NAME:[1,3,224,224]"},
      {"image:[1,3", "not of the form"},
      {"image:[1,,3,8]", "a dimension is empty"},
      {"image:[1,3,-2,8]", "a dimension can't be -2"},
      {"image:[1,3,4.5,8]", "'4.5' is neither a number nor a name"},
      {"image:[1,3,5,8],image:[1,3,5,8]", "'image' is named twice"},
      {"image:[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]", "more than 16"},
  };
  for (size_t i = 0; i < ARRAY_COUNT(wrong); i++)
    assert_fails(fixture_import(f, &bytes, wrong[i].given, &graph), f->error,
                 ADZE_INVALID_ARGUMENT, wrong[i].sentence);
  assert_fails(fixture_import(f, &bytes, "image:[1000000000,3,1000000000,8]",
                              &graph),
               f->error, ADZE_LIMIT, "too large");
  model_end(&m);
}

/* ---- Reports ------------------------------------------------------------- */

static void reports_go_on(void **state) {
  struct fixture *f = *state;
  struct model m;
  struct graph *graph;
  model_begin(&m, 17);
  model_input(&m, "x", 1, 2, (int64_t[]){2, 3});
  model_node(&m, "Relu", "a", "x", "p", NULL);
  model_node(&m, "NoSuchOperator", "b", "p", "q", NULL);
  model_node(&m, "Relu", "c", "q", "y", NULL);
  model_node(&m, "Relu", "d", "p", "z", NULL);
  model_output(&m, "y");
  model_output(&m, "z");
  struct text bytes = model_bytes(&m);
  assert_fails(fixture_import(f, &bytes, NULL, &graph), f->error,
               ADZE_UNSUPPORTED,
               "node 'b' (NoSuchOperator): operator 'NoSuchOperator' of opset "
               "17 is not supported");
  struct import_report report;
  assert_ok(fixture_inspect(f, f->path, NULL, &report), f->error);
  assert_string_equal(report.format, "onnx");
  assert_string_equal(report.version, "opset 17");
  assert_int_equal(report.problems.count, 1);
  assert_int_equal(report.operators.count, 2);
  assert_string_equal(report.operators.data[0].name, "Relu");
  assert_int_equal(report.operators.data[0].count, 3);
  assert_true(report.operators.data[0].is_supported);
  assert_false(report.operators.data[1].is_supported);
  assert_string_equal(fixture_shapes(f, report.graph->outputs.data,
                                     report.graph->outputs.count),
                      "z[2, 3]");
  model_end(&m);
}

static void names_survive(void **state) {
  struct fixture *f = *state;
  struct model m;
  struct graph *graph;
  model_begin(&m, 17);
  model_input(&m, "x", 1, 1, (int64_t[]){3});
  model_node(&m, "Relu", "y", "x", "r", NULL); /* node named as an output */
  model_node(&m, "Identity", "i", "r", "y", NULL);
  model_node(&m, "Identity", "j", "r", "z", NULL);
  model_node(&m, "Identity", "k", "x", "w", NULL);
  model_output(&m, "y");
  model_output(&m, "z");
  model_output(&m, "w");
  struct text bytes = model_bytes(&m);
  assert_ok(fixture_import(f, &bytes, NULL, &graph), f->error);
  assert_string_equal(
      fixture_shapes(f, graph->inputs.data, graph->inputs.count), "x[3]");
  assert_string_equal(
      fixture_shapes(f, graph->outputs.data, graph->outputs.count),
      "y[3] z[3] w[3]");
  model_end(&m);
}

/* A name is imported in one way only. */
static void names_are_claimed_once(void **state) {
  (void)state;
  static const char *const names[] = {
#define ONNX_OP(name, function) #name,
#include "import/onnx/onnx_ops.def"
#undef ONNX_OP
  };
  for (size_t i = 0; i < ARRAY_COUNT(names); i++)
    for (int version = 7; version < 40; version++)
      if (op_find_import("onnx", names[i], version) != NULL)
        fail_msg("%s is claimed by a function and by an operator", names[i]);
}

int main(void) {
#define WITH_FIXTURE(test)                                                     \
  cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)
  const struct CMUnitTest tests[] = {
      WITH_FIXTURE(shared_networks), WITH_FIXTURE(weights_must_be_there),
      WITH_FIXTURE(shapes_given), WITH_FIXTURE(reports_go_on),
      WITH_FIXTURE(names_survive), cmocka_unit_test(names_are_claimed_once)};
  return cmocka_run_group_tests_name("networks", tests, NULL, NULL) +
         onnx_bad_model_tests() + onnx_data_tests();
}
