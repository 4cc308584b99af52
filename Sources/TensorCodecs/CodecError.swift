/// What is wrong with bytes that should hold arrays. Facts only; sentences are written where people read them.
package enum CodecError: Error, Equatable {
}
