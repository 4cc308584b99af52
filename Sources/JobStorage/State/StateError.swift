/// Why a state directory cannot be used.
package enum StateError: Error, Equatable {
    /// Another server uses it.
    case inUse(path: String)
    /// It holds something of another's, and so may be used for something else.
    case foreign(path: String, entry: String)
    /// A later version of the program has written it.
    case newer(path: String)
    /// Something else, in words.
    case failed(String)
}
