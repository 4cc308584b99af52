package import HTTPTypes
package import Tensors

/// An answer: its head, and a body that is sent from where it lies.
package struct Response: Sendable {
    package var head: HTTPResponse
    package var body: ResponseBody

    /// The server adds `Content-Length`, `Date` and the request's id; everything else is in `head`.
    package init(_ head: HTTPResponse, body: ResponseBody = ResponseBody()) {
        self.head = head
        self.body = body
    }
}

/// A body as a list of byte ranges, each kept alive by its owner until it is sent; or a stream.
package struct ResponseBody: Sendable {
    package struct Segment: Sendable {
        package let owner: any StableBytes
        /// Offsets into the owner's bytes, within their bounds.
        package let range: Range<Int>
    }

    package private(set) var segments: [Segment] = []

    /// Set where the body is written while it is sent. There are no segments then.
    package let stream: ByteStream?

    /// What counts for the memory that the list of segments takes, where there are very many.
    package var reservation: ByteReservation?

    package init() {
        stream = nil
    }

    /// A body that is written while it is sent.
    package init(stream: ByteStream) {
        self.stream = stream
    }

    /// Bodies up to this size do not count, so that errors, probes and documents can be answered where all memory is taken. Of
    /// each connection there is one at a time.
    package static let uncountedBytes = 32 << 10

    /// A body of bytes that were made for it.
    ///
    /// - Throws: ``TensorError/outOfMemory(byteCount:)``.
    package init(copying bytes: [UInt8]) throws(TensorError) {
        stream = nil
        append(try bytes.count <= Self.uncountedBytes ? Buffer(uncounted: bytes) : Buffer(bytes))
    }

    /// The size of the whole body, in bytes; 0 for a stream.
    package var byteCount: Int { segments.reduce(0) { $0 + $1.range.count } }

    /// Adds the whole of an owner's bytes.
    package mutating func append(_ owner: any StableBytes) {
        let count = unsafe owner.stableBytes.count
        append(owner, 0..<count)
    }

    /// Adds a range of an owner's bytes, which must be within them.
    package mutating func append(_ owner: any StableBytes, _ range: Range<Int>) {
        let count = unsafe owner.stableBytes.count
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        guard !range.isEmpty else { return }
        segments.append(Segment(owner: owner, range: range))
    }

    /// The bytes from one offset of the body to another, as `Range` requests ask for.
    package func slice(_ range: Range<Int>) -> ResponseBody {
        var result = ResponseBody()
        var start = 0
        for segment in segments {
            let overlap = range.clamped(to: start..<start + segment.range.count)
            if !overlap.isEmpty {
                let offset = segment.range.lowerBound - start
                result.append(segment.owner, overlap.lowerBound + offset..<overlap.upperBound + offset)
            }
            start += segment.range.count
        }
        return result
    }
}
