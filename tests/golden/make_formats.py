"""Makes tests/golden/formats with Keras, TensorFlow Lite and ONNX Runtime: small networks in their formats.
Run it again only to change the tests:

    pip install tensorflow tf_keras onnx onnxruntime safetensors
    python tests/golden/make_formats.py

For each network, NAME.safetensors has "input" and "dump.NN STEP", the output of each layer, or only "output", all as
(N, C, H, W). The models: NAME.h5, NAME.keras, NAME.weights.h5 (only weights), NAME_keras2.h5 (written by Keras 2),
NAME.tflite, NAME_half.tflite (weights of 16 bits), NAME_int8.tflite (everything in 8 bits), NAME_qdq.onnx and
NAME_qlinear.onnx (from tests/golden/networks/NAME.onnx).
"""

import os
import shutil
import tempfile
import zipfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import h5py
import keras
import numpy as np
import onnx
import tensorflow as tf
import tf_keras
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent
OUT = HERE / "formats"
HEIGHT, WIDTH = 6, 7


def nchw(x):
    return np.ascontiguousarray(np.transpose(np.asarray(x), (0, 3, 1, 2)), dtype=np.float32)


def fsrcnn(k, size, colours=1, scale=2, kernel=9):
    """FSRCNN(4, 2, 1): its input, its output, and the output of each layer."""
    x = k.layers.Input((*size, colours))
    dumps = []

    def keep(name, layer, value):
        dumps.append((name, layer(value)))
        return dumps[-1][1]

    y = x
    for d, kernel_size in ((4, 5), (2, 1), (2, 3), (4, 1)):
        y = keep("convolution", k.layers.Conv2D(d, kernel_size, padding="same"), y)
        y = keep("PReLU", k.layers.PReLU(shared_axes=[1, 2]), y)
    y = keep("deconvolution", k.layers.Conv2DTranspose(colours, kernel, strides=scale, padding="same"), y)
    return x, y, dumps


def settle(model, seed):
    """Random weights of the size of real ones."""
    random = np.random.default_rng(seed)
    values = []
    for w in model.get_weights():
        if w.ndim == 4:
            transposed = w.shape[0] == 9 or w.shape[0] % 2 == 0
            fan = w[:, :, 0].size / (4 if transposed else 1) if transposed else w[..., 0].size
            values.append(random.normal(0, (1.5 / fan) ** 0.5, w.shape))
        elif w.ndim == 1:
            values.append(random.normal(0, 0.1, w.shape))
        else:
            values.append(random.uniform(-0.2, 0.6, w.shape))
    model.set_weights(values)


def picture(colours, seed):
    return np.random.default_rng(seed).random((1, HEIGHT, WIDTH, colours), dtype=np.float32)


def dump(name, k, x, dumps, seed, colours=1):
    value = picture(colours, seed)
    outputs = k.Model(x, [d[1] for d in dumps]).predict(value, verbose=0)
    tensors = {f"dump.{i:02} {step}": nchw(v) for i, ((step, _), v) in enumerate(zip(dumps, outputs))}
    save_file(tensors | {"input": nchw(value)}, OUT / f"{name}.safetensors")


def output(name, value, result):
    save_file({"input": nchw(value), "output": nchw(result)}, OUT / f"{name}.safetensors")


def keras_files():
    x, y, dumps = fsrcnn(keras, (None, None))
    model = keras.Model(x, y)
    settle(model, 1)
    dump("fsrcnn", keras, x, dumps, 2)
    model.save(OUT / "fsrcnn.h5")
    model.save(OUT / "fsrcnn.keras")
    model.save_weights(OUT / "fsrcnn.weights.h5")

    # Without names, as the first versions of Keras 3 wrote it, with the layer names of a notebook that made other models
    # before.
    with zipfile.ZipFile(OUT / "fsrcnn.keras") as source, zipfile.ZipFile(OUT / "fsrcnn_unnamed.keras", "w") as to:
        configuration = source.read("config.json").decode()
        for i in range(3, -1, -1):
            for old in ("conv2d", "p_re_lu"):
                name = f"{old}_{i}" if i else old
                configuration = configuration.replace(f'"{name}"', f'"{old}_{i + 7}"')
        to.writestr("config.json", configuration)
        with tempfile.TemporaryDirectory() as folder:
            path = source.extract("model.weights.h5", folder)
            with h5py.File(path, "r+") as file:
                groups = []
                file.visit(groups.append)
                for group in groups:
                    file[group].attrs.pop("name", None)
            to.write(path, "model.weights.h5")

    x2, y2, _ = fsrcnn(tf_keras, (None, None))
    older = tf_keras.Model(x2, y2)
    older.set_weights(model.get_weights())
    older.save(OUT / "fsrcnn_keras2.h5")
    older.save_weights(OUT / "fsrcnn_keras2_weights.h5")

    # Sequential, with depth to space as a Lambda.
    layers = keras.layers
    espcn = keras.Sequential([
        layers.Input((None, None, 1)), layers.Conv2D(4, 5, padding="same", activation="tanh", name="Features"),
        layers.Conv2D(3, 3, padding="same", activation="tanh", name="And"), layers.Conv2D(9, 3, padding="same", name="phases"),
        layers.Lambda(lambda t: tf.nn.depth_to_space(t, 3), output_shape=(None, None, 1)),
    ])
    settle(espcn, 3)
    espcn.save(OUT / "espcn.keras")
    value = picture(1, 4)
    output("espcn", value, espcn(value))

    layers = tf_keras.layers
    x = layers.Input((None, None, 3))
    y = layers.Conv2D(4, 3, padding="same", bias_initializer="ones")(x)
    y = layers.LeakyReLU(0.2)(y)
    y = layers.ZeroPadding2D(1)(y)
    y = layers.Conv2D(4, 3, padding="valid", use_bias=False)(y)
    y = layers.PReLU(shared_axes=[1, 2, 3])(y)
    y = layers.Conv2D(12, (3, 1), padding="same")(y)
    y = layers.ReLU(6.0)(tf.nn.depth_to_space(y, 2))
    y = layers.Add()([y, layers.UpSampling2D(2, interpolation="bilinear")(x)])
    model = tf_keras.Model(x, y)
    settle(model, 5)
    model.save(OUT / "functions_keras2.h5")
    value = picture(3, 6)
    output("functions_keras2", value, model(value))

    # Sums with Python's operator, which become functions with a second operand.
    x = layers.Input((None, None, 1))
    y = tf.nn.depth_to_space(layers.Conv2D(4, 3, padding="same")(x), 2) + layers.UpSampling2D(2)(x)
    model = tf_keras.Model(x, y)
    settle(model, 13)
    model.save(OUT / "sum_keras2.h5")
    value = picture(1, 14)
    output("sum_keras2", value, model(value))

    # Keras' crops of transposed convolutions with other kernels and strides.
    layers = keras.layers
    for name, kernel, stride in (("even", 4, 2), ("three", 9, 3), ("four", 9, 4), ("small", 2, 3)):
        x = layers.Input((None, None, 1))
        y = layers.Conv2DTranspose(1, kernel, strides=stride, padding="same")(layers.Conv2D(3, 3, padding="same")(x))
        model = keras.Model(x, y)
        settle(model, 7)
        model.save(OUT / f"deconvolution_{name}.h5")
        value = picture(1, 8)
        output(f"deconvolution_{name}", value, model(value))


def convert(model, path, kind=None, colours=1, white=1):
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if kind:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if kind == "half":
            converter.target_spec.supported_types = [tf.float16]
        if kind == "int8":
            converter.representative_dataset = lambda: ([white * picture(colours, 100 + i)] for i in range(20))
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
        path.write_bytes(converter.convert())


def lite_files():
    reference = keras.saving.load_model(OUT / "fsrcnn.keras")
    x, y, dumps = fsrcnn(keras, (HEIGHT, WIDTH))
    model = keras.Model(x, y)
    model.set_weights(reference.get_weights())
    convert(model, OUT / "fsrcnn.tflite")
    for kind in ("half", "int8"):
        convert(model, OUT / f"fsrcnn_{kind}.tflite", kind)
    convert(reference, OUT / "fsrcnn_any_size.tflite")
    quantised(OUT / "fsrcnn_int8.tflite", "fsrcnn_int8", 2)

    layers = keras.layers

    class Mixed(keras.layers.Layer):
        """Padding for which Keras has no layer."""

        def call(self, t):
            t = tf.pad(t, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
            return t

    class Tail(keras.layers.Layer):
        def call(self, t):
            y, x = t
            y = tf.nn.depth_to_space(y, 2)
            y = y + tf.image.resize(x, (2 * HEIGHT, 2 * WIDTH)) - tf.constant([0.1, 0.2, 0.3])
            y = y * 0.9 + tf.image.resize(x, (2 * HEIGHT, 2 * WIDTH), method="nearest")
            return tf.minimum(tf.maximum(y, -0.5), 1.5)

    x = layers.Input((HEIGHT, WIDTH, 3))
    y = layers.Conv2D(4, 3, padding="valid", activation="relu6")(Mixed()(x))
    y = layers.Conv2D(4, 3, padding="valid", activation="relu")(layers.ZeroPadding2D(1)(y))
    y = layers.LeakyReLU(negative_slope=0.3)(layers.Conv2D(4, (1, 3), padding="same", dilation_rate=(1, 1))(y))
    y = Tail()([layers.Conv2D(12, 3, padding="same", activation="tanh")(y), x])
    model = keras.Model(x, y)
    settle(model, 9)
    convert(model, OUT / "mixed.tflite")
    value = picture(3, 10)
    output("mixed", value, model(value))
    # Pixels from 0 to 255.
    x = layers.Input((HEIGHT, WIDTH, 1))
    y = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    y = layers.Lambda(lambda t: tf.nn.depth_to_space(t, 2), output_shape=(2 * HEIGHT, 2 * WIDTH, 1))(
        layers.Conv2D(4, 3, padding="same")(y))
    model = keras.Model(x, y)
    settle(model, 11)
    convert(model, OUT / "to_255_int8.tflite", "int8", white=255)
    value = picture(1, 12)
    output("to_255", value, np.asarray(model(value * 255)) / 255)


def quantised(path, name, seed):
    """Saves the output of the integers, and the scale and zero point of the input and of each layer, in this order."""
    interpreter = tf.lite.Interpreter(str(path), experimental_preserve_all_tensors=True,
                                      experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    x, y = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    value = picture(1, seed)
    scale, zero = x["quantization"]
    interpreter.set_tensor(x["index"], np.clip(np.round(value / scale) + zero, -128, 127).astype(np.int8))
    interpreter.invoke()
    by_index = {d["index"]: d for d in interpreter.get_tensor_details()}
    steps = [x["quantization"]]
    for op in interpreter._get_ops_details():
        if op["op_name"] in ("CONV_2D", "PRELU", "TRANSPOSE_CONV"):
            steps.append(by_index[op["outputs"][0]]["quantization"])
    scale, zero = y["quantization"]
    result = (interpreter.get_tensor(y["index"]).astype(np.float32) - zero) * scale
    save_file({"input": nchw(value), "output": nchw(result), "steps": np.array(steps, dtype=np.float32)},
              OUT / f"{name}.safetensors")


class Pictures(CalibrationDataReader):
    def __init__(self, colours):
        self.values = iter([{"input": nchw(picture(colours, 100 + i))} for i in range(20)])

    def get_next(self):
        return next(self.values, None)


def onnx_files():
    for name, colours in (("srvgg", 3), ("espcn_relu", 3), ("fsrcnn_bilinear", 3)):
        source = OUT.parent / "networks" / f"{name}.onnx"
        for form, suffix in ((QuantFormat.QDQ, "qdq"), (QuantFormat.QOperator, "qlinear")):
            with tempfile.TemporaryDirectory() as folder:
                made = Path(folder) / "m.onnx"
                quantize_static(source, made, Pictures(colours), quant_format=form, per_channel=form == QuantFormat.QDQ,
                                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
                model = onnx.load(made)
            del model.graph.value_info[:]
            onnx.save(model, OUT / f"{name}_{suffix}.onnx")


if __name__ == "__main__":
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    keras_files()
    lite_files()
    onnx_files()
