-- Posts the bodies of a file in turn: PATH FILE [TYPE].
local requests, at = {}, 0

function init(given)
    local headers = { ["Content-Type"] = given[3] or "application/json" }
    for body in io.lines(given[2]) do
        requests[#requests + 1] = wrk.format("POST", given[1], headers, body)
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end
