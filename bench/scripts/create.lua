-- Creates users who did not exist, with a token: MARK TOKEN.
local mark, headers, count = "", {}, 0

function init(given)
    mark = given[1]
    headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. given[2] }
end

function request()
    count = count + 1
    local name = mark .. "x" .. count
    local body = string.format(
        '{"email":"%s@bench.example.com","username":"%s","given_name":"Given%d","family_name":"Family%d",'
            .. '"display_name":"Given%d Family%d","locale":"de","time_zone":"Europe/Berlin",'
            .. '"attributes":{"city":"Berlin","department":"Sales","level":%d,"start_date":"2024-05-%02d","tags":["beta","remote"]}}',
        name, name, count % 211, count % 307, count % 211, count % 307, 1 + count % 9, 1 + count % 28
    )
    return wrk.format("POST", "/v1/users", headers, body)
end
