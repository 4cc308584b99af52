public import CBlockFunctions
import Glibc
import WebService

/// Calls a function on a block: the C face of ``BlockFunction``, for callers in other languages.
///
/// It may be called by several threads at once.
///
/// - Parameters:
///   - function: The raw value of a ``BlockFunction``.
///   - query: Parameters as the query of a request has them, from the question mark on.
///   - arrays: The arrays, which are lent for the time of the call.
///   - count: How many arrays there are.
/// - Returns: A JSON document that `segscore_free` frees: `number` and `arrays`, each with `name`, `type`, `shape`,
///   `address` and `owner`, which `segscore_release` releases; or a problem document, which alone has a `status`.
@_cdecl("segscore_call")
public func segscoreCall(
    _ function: UnsafePointer<CChar>, _ query: UnsafePointer<CChar>, _ arrays: UnsafePointer<segscore_array>?,
    _ count: Int
) -> UnsafeMutablePointer<CChar>? {
    let name = unsafe String(cString: function)
    let query = unsafe String(cString: query)
    let document: [UInt8]
    do throws(Problem) {
        guard let function = BlockFunction(rawValue: name) else {
            throw .invalidParameter(
                "function", expected: BlockFunction.allCases.map(\.rawValue).joined(separator: ", "), actual: name)
        }
        var lent: [LentArray] = []
        for index in 0..<count {
            guard let arrays = unsafe arrays else { break }
            lent.append(try unsafe LentArray(arrays[index]))
        }
        document = try function.answer(BlockCall(arrays: lent, query: query)).document()
    } catch {
        document = error.document
    }
    return unsafe String(decoding: document, as: UTF8.self).withCString { unsafe strdup($0) }
}

/// Frees the document that `segscore_call` returned.
@_cdecl("segscore_free")
public func segscoreFree(_ document: UnsafeMutablePointer<CChar>?) { unsafe free(document) }

/// Releases the owner of an array that `segscore_call` has told of, whose elements are then gone.
@_cdecl("segscore_release")
public func segscoreRelease(_ owner: UnsafeRawPointer) { unsafe Unmanaged<AnyObject>.fromOpaque(owner).release() }
