package import Codecs
package import Memory

/// Why an export breaks off. The cases hold facts only; their sentences are written where people read them.
package enum ExportError: Error {
    case memory(MemoryError)
    /// A picture of classes cannot be written.
    case codec(CodecError)
    /// An image has more pixels than the formats can count.
    case tooManyPixels(width: Int, height: Int, limit: Int)
    /// The source of the images has thrown.
    case source(any Error)
}
