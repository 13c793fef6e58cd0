-- Reads the paths of a file in turn with a token: FILE TOKEN.
local requests, at = {}, 0

function init(given)
    local headers = { ["Authorization"] = "Bearer " .. given[2] }
    for path in io.lines(given[1]) do
        requests[#requests + 1] = wrk.format("GET", path, headers)
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end
