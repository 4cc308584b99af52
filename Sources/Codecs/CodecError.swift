package import Memory

/// What is wrong with bytes that should hold arrays. Facts only; sentences are written where people read them.
///
/// Names and other texts of an entry, a member or a header are passed on as they came, and may be as long as the format
/// allows: cut them before they are shown.
package enum CodecError: Error, Equatable {
    /// An array, or the header before it, ends early. `expected` and `actual` count the bytes of the one that does.
    /// Since a header says its size in its first bytes, `expected` is the size that was known when the bytes ended.
    case truncated(expected: Int, actual: Int)
    /// Bytes follow the end of what was to be decoded.
    case trailingBytes
    /// The decoded bytes, or the text to be decoded, would pass the limit.
    case tooLarge(limit: Int)
    case shape(MemoryError)
    case outOfMemory(byteCount: Int)

    // npy
    /// The first bytes, six unless there are fewer, are not those of an npy file.
    case npyMagic(found: [UInt8])
    case npyVersion(UInt8, UInt8)
    case npyHeaderTooLong(Int, limit: Int)
    /// `position` is an offset into the header's text, which begins behind its length.
    case npyHeader(NpyHeaderFault, position: Int)
    /// The elements are of a type that arrays of labels, probabilities or scores cannot have.
    case npyElementType(descr: String)
    /// The elements are two bytes of unnamed type, as which NumPy saves bfloat16 that it has loaded from a file.
    case twoBytes(descr: String)

    // zip
    /// At this position there begins no record of a zip archive, or one that may not stand there.
    case zipSignature(UInt32, position: Int)
    /// The archive ends early; `entry` names the entry that was being read, if one was.
    case zipTruncated(entry: String?)
    case zipNameTooLong(Int, limit: Int)
    case tooManyEntries(limit: Int)
    case duplicateEntry(String)
    case zipEncrypted(entry: String)
    /// The entry is compressed by a method other than 0 (stored) and 8 (deflate).
    case zipMethod(entry: String, UInt16)
    case zipChecksum(entry: String, expected: UInt32, actual: UInt32)
    /// A size that the archive states is not the size that was found.
    case zipSize(entry: String, expected: UInt64, actual: UInt64)

    // safetensors
    case safetensorsHeaderTooLong(UInt64, limit: Int)
    /// `position` is an offset into the header's text, which begins behind its length.
    case safetensorsHeader(SafetensorsFault, position: Int)
    /// The elements of a tensor do not begin where those of the tensor before end.
    case tensorPlace(name: String, expected: Int, actual: Int)
    /// The elements of a tensor do not take as many bytes as its shape and type say.
    case tensorSize(name: String, expected: Int, actual: Int)
    /// The elements are of a type that arrays of labels, probabilities or scores cannot have.
    case tensorElementType(name: String, dtype: String)
    case tensorTruncated(name: String, expected: Int, actual: Int)

    // deflate
    /// Compressed bytes cannot be decompressed; `reason` is what zlib says.
    case deflate(reason: String)
    /// A gzip or zlib stream ends early.
    case gzipTruncated

    // multipart/form-data
    /// The form's `Content-Type` names no boundary.
    case formBoundaryMissing
    /// The boundary has more than 70 characters, or characters that RFC 2046 (5.1.1) does not allow.
    case formBoundary(String)
    /// The bytes are no form, or end before its closing boundary.
    case form

    // JSON
    /// `position` is an offset into the text, if it is known.
    case json(JSONFault, position: Int?)
    /// A value of the member is `NaN` or `Infinity`; JSON has no such numbers (RFC 8259, section 6).
    case jsonNotFinite(name: String, path: [Int], position: Int?)
    case jsonRepeated(name: String)
    /// A member that must be an array is not.
    case jsonNotAList(name: String)
    /// What stands at the path is neither a number nor a boolean.
    case jsonNotANumber(name: String, path: [Int])
    /// The list at the path is not as long as those before it.
    case jsonRagged(name: String, path: [Int], expected: Int, actual: Int)
    /// At the path stands a list and in its neighbours stand numbers, or the other way round.
    case jsonMixedDepth(name: String, path: [Int])
    case jsonTooDeep(name: String, limit: Int)

    // PNG
    case pngExtents(width: Int, height: Int)
    /// The image cannot be written; `reason` is what libpng says.
    case png(reason: String)
    /// The first bytes are not those of a PNG file.
    case pngSignature(found: [UInt8])
    /// The image cannot be read; `reason` is what libpng says.
    case pngUnreadable(reason: String)
    /// The file ends before the image does.
    case pngTruncated
    /// The image has several samples a pixel, of `depth` bits each: colours, or grey with alpha.
    case pngColours(isGrey: Bool, hasAlpha: Bool, depth: Int)
    /// A pixel of an image of colours is not opaque.
    case pngTransparent(row: Int, column: Int)
    /// `count` pixels are of a colour that stands for no class; row and column are those of the first.
    case pngUnknownColour(ColourClasses.Colour, count: Int, row: Int, column: Int)
}

/// What is wrong with the text of an npy header.
package enum NpyHeaderFault: Equatable {
    /// The text is not the Python dict of a string, a boolean and a tuple that it should be.
    case syntax
    case unknownKey(String)
    case repeatedKey(String)
    case missingKey(String)
    /// The extent does not fit 64 bits.
    case extentTooLarge
    case tooManyDimensions(limit: Int)
}

/// What is wrong with the text of a safetensors header.
package enum SafetensorsFault: Equatable {
    /// The text is not the JSON object of tensors that it should be.
    case syntax
    case utf8
    case unknownKey(String)
    case repeatedKey(String)
    case missingKey(String)
    /// The number does not fit 64 bits.
    case numberTooLarge
    /// The offsets of a tensor are not two numbers, the second at least as large as the first.
    case offsets
}

/// What is wrong with a JSON text.
package enum JSONFault: Equatable {
    case empty
    case syntax
    case utf8
    case string
    /// Not a number as JSON writes them, or one beyond the range of a double.
    case number
    /// The text ends inside its object.
    case incomplete
    /// The text holds something other than an object.
    case notAnObject
    case trailingContent
    case tooDeep
}
