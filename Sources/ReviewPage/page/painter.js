/** Draws one image and its layers with WebGL2, in tiles, each time something has changed. */

import { paletteTexels } from "./palette.js";
import { fragmentShader, vertexShader } from "./shaders.js";

/** @typedef {import("./view.js").View} View */

const layers = { given: 0, suggested: 1, scores: 2, none: 3 };
const largestTile = 4096;
const units = ["picture", "given", "suggested", "issues", "region", "scores", "palette"];

export class Painter {
  /**
   * @param {HTMLCanvasElement} canvas
   * @throws {Error} with a sentence for the reviewer if there is no WebGL2
   */
  constructor(canvas) {
    this.canvas = canvas;
    this.gl = canvas.getContext("webgl2", { alpha: true, antialias: false, depth: false });
    if (!this.gl) {
      throw new Error(
        "This browser has no WebGL2, which the page draws with. Another browser, or hardware acceleration, will help.",
      );
    }
    this.image = null;
    this.tiles = [];
    this.options = { layer: "given", opacity: 0.5, contour: false, hatch: false, brightness: 0, contrast: 1 };
    this.start();
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.start();
      if (this.image) this.showImage(this.image);
    });
  }

  /** Makes what does not depend on the image. */
  start() {
    const { gl } = this;
    this.program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, vertexShader], [gl.FRAGMENT_SHADER, fragmentShader]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(this.program, shader);
    }
    gl.linkProgram(this.program);
    if (!gl.getProgramParameter(this.program, gl.LINK_STATUS) && !gl.isContextLost()) {
      const logs = gl.getAttachedShaders(this.program).map((shader) => gl.getShaderInfoLog(shader));
      throw new Error(`The shaders do not compile here: ${logs.join(" ")}`);
    }
    gl.useProgram(this.program);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(this.program, "corner");
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
    this.uniforms = {};
    units.forEach((name, unit) => gl.uniform1i(this.uniform(name), unit));
    this.tileSize = Math.min(largestTile, gl.getParameter(gl.MAX_TEXTURE_SIZE));
    this.tiles = [];
    this.region = null;
    // Samplers of unsigned integers must never be without a texture of their kind.
    this.nothing = this.texture();
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8UI, 1, 1, 0, gl.RED_INTEGER, gl.UNSIGNED_BYTE, new Uint8Array(1));
    this.blank = this.texture();
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 1, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    this.palette = this.texture();
    if (this.classes) this.setClasses(this.classes, this.hiddenClasses);
  }

  /** A new texture, bound, that is read texel by texel. */
  texture() {
    const { gl } = this;
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
      gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
    }
    for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
    return texture;
  }

  uniform(name) {
    this.uniforms[name] ??= this.gl.getUniformLocation(this.program, name);
    return this.uniforms[name];
  }

  /**
   * Names the classes' colours.
   * @param {number} classes K
   * @param {Set<number>} hidden
   */
  setClasses(classes, hidden) {
    const { gl } = this;
    this.classes = classes;
    this.hiddenClasses = hidden;
    // Classes beyond the width of a texture have no colour.
    const width = Math.min(classes, gl.getParameter(gl.MAX_TEXTURE_SIZE));
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.palette);
    const texels = paletteTexels(width, hidden);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, texels);
    this.redraw();
  }

  /**
   * Takes another image, of which the layers may come later through `setLayer`.
   * @param {{width: number, height: number, layers?: object}} image
   */
  showImage({ width, height, layers: known = {} }) {
    this.clear();
    this.image = { width, height, layers: {} };
    for (let y = 0; y < height; y += this.tileSize) {
      for (let x = 0; x < width; x += this.tileSize) {
        const [tileWidth, tileHeight] = [Math.min(this.tileSize, width - x), Math.min(this.tileSize, height - y)];
        this.tiles.push({ x, y, width: tileWidth, height: tileHeight, textures: {} });
      }
    }
    for (const [name, data] of Object.entries(known)) this.setLayer(name, data);
    if (known.region) this.setRegion(known.region);
    this.redraw();
  }

  /** Forgets the image. */
  clear() {
    for (const tile of this.tiles) for (const texture of Object.values(tile.textures)) this.gl.deleteTexture(texture);
    this.tiles = [];
    this.image = null;
    this.setRegion(null);
  }

  /**
   * Uploads one layer of the image.
   * @param {"picture" | "given" | "suggested" | "issues" | "scores"} name
   * @param {ImageBitmap | ArrayLike<number>} data a picture of any size, which is stretched over the image, or `(H, W)`
   */
  setLayer(name, data) {
    const { gl } = this;
    if (name === "region") return;
    this.image.layers[name] = data;
    for (const tile of this.tiles) {
      if (tile.textures[name]) gl.deleteTexture(tile.textures[name]);
      tile.textures[name] = this.texture();
      if (name === "picture") this.uploadPicture(tile, data);
      else this.uploadArray(tile, data);
    }
    this.redraw();
  }

  uploadPicture(tile, bitmap) {
    const { gl } = this;
    // A picture may be finer than the mask, and finer than a texture may be; then the tile gets its part of it, shrunk.
    const [across, down] = [bitmap.width / this.image.width, bitmap.height / this.image.height];
    const part = [tile.x * across, tile.y * down, tile.width * across, tile.height * down];
    const whole = this.tiles.length === 1 && Math.max(bitmap.width, bitmap.height) <= this.tileSize;
    let source = bitmap;
    if (!whole) {
      const shrink = Math.min(1, this.tileSize / Math.max(part[2], part[3]));
      source = new OffscreenCanvas(
        Math.max(1, Math.round(part[2] * shrink)),
        Math.max(1, Math.round(part[3] * shrink)),
      );
      source.getContext("2d").drawImage(bitmap, ...part, 0, 0, source.width, source.height);
    }
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, source);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
  }

  uploadArray(tile, values) {
    const { gl } = this;
    let format = [gl.R8UI, gl.RED_INTEGER, gl.UNSIGNED_BYTE];
    let typed = values;
    if (values instanceof Float32Array || values instanceof Float64Array) {
      format = [gl.R32F, gl.RED, gl.FLOAT];
      if (values instanceof Float64Array) typed = Float32Array.from(values);
    } else if (!(values instanceof Uint8Array)) {
      format = [gl.R16UI, gl.RED_INTEGER, gl.UNSIGNED_SHORT];
      // Beyond 16 bits nothing is a class; a negative one wraps to a number that is none either.
      if (!(values instanceof Uint16Array)) {
        typed = Uint16Array.from(values, (value) => (value < 0 || value > 65535 ? 65535 : value));
      }
    }
    gl.pixelStorei(gl.UNPACK_ROW_LENGTH, this.image.width);
    gl.pixelStorei(gl.UNPACK_SKIP_PIXELS, tile.x);
    gl.pixelStorei(gl.UNPACK_SKIP_ROWS, tile.y);
    gl.texImage2D(gl.TEXTURE_2D, 0, format[0], tile.width, tile.height, 0, format[1], format[2], typed);
    for (const name of [gl.UNPACK_ROW_LENGTH, gl.UNPACK_SKIP_PIXELS, gl.UNPACK_SKIP_ROWS]) gl.pixelStorei(name, 0);
  }

  /**
   * Outlines a region.
   * @param {{box: [number, number, number, number], mask: Uint8Array} | null} region the box in pixels of the image
   *   and `(height, width)` of the box
   */
  setRegion(region) {
    const { gl } = this;
    if (this.region) gl.deleteTexture(this.region.texture);
    this.region = null;
    if (region) {
      const [, , width, height] = region.box;
      const step = Math.ceil(Math.max(width, height) / this.tileSize);
      const [across, down] = [Math.ceil(width / step), Math.ceil(height / step)];
      const texture = this.texture();
      const mask = step === 1 ? region.mask : thinned(region.mask, width, height, step);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8UI, across, down, 0, gl.RED_INTEGER, gl.UNSIGNED_BYTE, mask);
      this.region = { box: region.box, step, texture };
      if (this.image) this.image.layers.region = region;
    }
    this.redraw();
  }

  /** Changes how layers are drawn. */
  setOptions(options) {
    Object.assign(this.options, options);
    this.redraw();
  }

  /** @param {View} view */
  setView(view) {
    this.view = view;
    this.redraw();
  }

  /** Draws with the next frame, once however much has changed. */
  redraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const { gl, canvas, view, options } = this;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!view || !this.image) return;
    // The view's scale is in CSS pixels, the canvas has the device's.
    const scale = view.scale * view.density;
    const layer = options.hidden ? "none" : options.layer;
    gl.uniform2f(this.uniform("centre"), view.x, view.y);
    gl.uniform2f(this.uniform("halfCanvas"), canvas.width / 2 / scale, canvas.height / 2 / scale);
    gl.uniform1f(this.uniform("pixel"), 1 / view.scale);
    gl.uniform1i(this.uniform("layer"), layers[layer]);
    gl.uniform1i(this.uniform("classCount"), this.classes ?? 0);
    gl.uniform1f(this.uniform("opacity"), options.opacity);
    gl.uniform1i(this.uniform("contourOnly"), options.contour ? 1 : 0);
    gl.uniform1f(this.uniform("brightness"), options.brightness);
    gl.uniform1f(this.uniform("contrast"), options.contrast);
    gl.uniform4i(this.uniform("box"), ...(this.region?.box ?? [0, 0, 0, 0]));
    gl.uniform1i(this.uniform("boxStep"), this.region?.step ?? 1);
    const known = this.image.layers;
    gl.uniform1i(this.uniform("hasPicture"), known.picture ? 1 : 0);
    gl.uniform1i(this.uniform("hasClasses"), known[layer === "suggested" ? "suggested" : "given"] ? 1 : 0);
    gl.uniform1i(this.uniform("hasScores"), known.scores ? 1 : 0);
    gl.uniform1i(this.uniform("hasIssues"), options.hatch && known.issues ? 1 : 0);
    for (const tile of this.tiles) {
      gl.uniform2f(this.uniform("tileOrigin"), tile.x, tile.y);
      gl.uniform2f(this.uniform("tileExtent"), tile.width, tile.height);
      const { picture = this.blank, given = this.nothing, suggested = this.nothing } = tile.textures;
      const { issues = this.nothing, scores = this.blank } = tile.textures;
      const bound = [picture, given, suggested, issues, this.region?.texture ?? this.nothing, scores, this.palette];
      bound.forEach((texture, unit) => {
        gl.activeTexture(gl.TEXTURE0 + unit);
        gl.bindTexture(gl.TEXTURE_2D, texture);
      });
      // Whoever zooms in far wants to see the pixels that they judge, not what lies between them.
      gl.activeTexture(gl.TEXTURE0);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, scale >= 6 ? gl.NEAREST : gl.LINEAR);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
  }

  /** Gives the graphics memory back. */
  dispose() {
    cancelAnimationFrame(this.frame);
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

/** A mask at a fraction of its size, where a texel is set if one of its pixels is. */
function thinned(mask, width, height, step) {
  const across = Math.ceil(width / step);
  const thin = new Uint8Array(across * Math.ceil(height / step));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (mask[y * width + x]) thin[Math.floor(y / step) * across + Math.floor(x / step)] = 1;
    }
  }
  return thin;
}
