-- Users number :first to :last of :total, for psql; prints how many of them were missing. All that there is to a user comes from the
-- number, so the same total gives the same users. Who is there already is left as they are.
with lists as materialized (
    select
        string_to_array('Maria Anna Thomas Michael Daniel Laura Julia David Sarah Peter Andreas Martin Lisa Lukas Sofia Emma Paul Lena Elena Marco Nina Jan Eva Tom Clara Felix Hannah Max Mia Noah Olivia Liam Amelia Oliver Isla George Ava Harry Emily Jack Sophia Jacob Grace Charlie Freya Oscar Ella William Alice James Florence Henry Rosie Leo Matilda Arthur Ivy Theo Daisy Alfie Willow Archie Phoebe Joshua Evie Freddie Sienna Thea Arlo Harper Edward Ruby Isaac Poppy Lucas Elsie Logan Charlotte Reuben Isabelle Alexander Jessica Benjamin Layla Samuel Maya Adam Zara Ethan Eleanor Finley Robyn Tobias Maryam Rory Fatima Omar Aisha Yusuf Amina Ali Leila Hassan Nadia Karim Samira Rashid Yasmin Tariq Zeynep Mehmet Ayşe Emre Elif Mustafa Defne Kerem Wei Li Jing Ming Xin Hiroshi Yuki Kenji Sakura Haruto Aoi Minjun Seo-yeon Jiho Priya Arjun Ananya Rohan Kavya Vikram Meera Aditya Diya Sanjay Ingrid Björn Astrid Søren Freja Lars Åsa Nils Sigrid Jörg Käthe Günter Bärbel Zoë Noé Chloé François Hélène René Amélie Andrés José Inés Álvaro Lucía Iñigo Martín João Conceição Beatriz Tiago Matteo Giulia Luca Chiara Alessandro Francesca Giorgos Ioanna Dimitris Katerina Piotr Agnieszka Łukasz Zofia Jakub Tomáš Eliška Jiří Lenka Ondřej Dušan Milica Goran Ivana Marko Ana Ivan Olga Dmitri Irina Pavel Tatiana Kwame Ama Chinedu Ngozi Thabo Lerato Juma Wanjiru Mateo Valentina Santiago Camila Sebastián Gabriela', ' ') as given,
        string_to_array('Müller Schmidt Smith Jones Garcia Rossi Silva Kim Nguyen Andersson Jensen Novak Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause Meier Lehmann Köhler Taylor Brown Williams Wilson Johnson Davies Patel Robinson Wright Thompson Evans Walker White Roberts Green Hall Thomas Clarke Jackson Wood Harris Edwards Turner Martin Cooper Hill Ward Hughes Moore Clark King Harrison Lewis Baker Lee Allen Morris Khan Scott Watson Davis Parker James Bennett Young Phillips Richardson Mitchell Bailey Carter Cook Singh Shaw Bell Collins Morgan Kelly Begum Miller Cox Hussain Marshall Simpson Price Anderson Adams Wilkinson Foster Ellis Murphy Chapman Mason Gray Webb Rogers Hunt Palmer Mills Holmes Barnes Knight Lloyd Butler Russell Fisher Barker Stevens Jenkins Dixon Fletcher Martínez López Sánchez González Rodríguez Fernández Pérez Gómez Díaz Hernández Álvarez Muñoz Ibáñez Santos Oliveira Souza Gonçalves Pereira Costa Ferreira Almeida Ricci Marino Greco Bruno Gallo Conti Esposito Romano Colombo Dubois Durand Leroy Moreau Lefèvre Garnier Faure Girard Chevalier Kowalski Wiśniewski Wójcik Kamiński Dąbrowski Zieliński Szymański Novotný Dvořák Černý Procházka Kovač Horvat Babić Jovanović Nikolić Petrović Ivanov Petrov Sokolov Papadopoulos Georgiou Nielsen Hansen Pedersen Sørensen Johansson Karlsson Nilsson Lindqvist Øberg Virtanen Korhonen Nieminen Yılmaz Kaya Demir Şahin Öztürk Tanaka Suzuki Takahashi Watanabe Park Choi Jung Wang Zhang Chen Liu Yang Huang Tran Pham Sharma Gupta Reddy Iyer Mehta Okafor Mensah Dlamini Mwangi Abebe Haddad Nasser Cohen Levi Friedman Castillo Vargas Rojas Mendoza Quispe', ' ') as family,
        string_to_array('Sales Engineering Support Finance Marketing Operations Legal People Research Logistics Production Purchasing', ' ') as department,
        string_to_array('Berlin Hamburg London Paris Madrid Milan Lisbon Stockholm Copenhagen Warsaw Prague Vienna Zurich Athens Istanbul Nairobi Lagos Bangalore Osaka Lima', ' ') as city,
        string_to_array('de de en fr es it pt sv da pl cs de de el tr en en en ja es', ' ') as locale,
        string_to_array('Europe/Berlin Europe/Berlin Europe/London Europe/Paris Europe/Madrid Europe/Rome Europe/Lisbon Europe/Stockholm Europe/Copenhagen Europe/Warsaw Europe/Prague Europe/Vienna Europe/Zurich Europe/Athens Europe/Istanbul Africa/Nairobi Africa/Lagos Asia/Kolkata Asia/Tokyo America/Lima', ' ') as time_zone,
        string_to_array('newsletter beta remote contractor first-aid works-council trainer on-call trainee alumni', ' ') as tag,
        string_to_array('example.com example.com example.com example.org example.net mail.example.com students.example.org', ' ') as domain
),
-- What looks like chance: 32 bytes that the number decides.
dice as materialized (
    select n, sha256(convert_to('user ' || n, 'UTF8')) as byte
    from generate_series(:first::bigint, :last::bigint) as n
),
-- Fractions from 0 to 1, and times: the first user comes with 2021 and the last with the end of 2025.
drawn as materialized (
    select
        n,
        encode(byte, 'hex') as hex,
        (get_byte(byte, 0) * 256 + get_byte(byte, 1)) / 65536.0::double precision as a,
        (get_byte(byte, 2) * 256 + get_byte(byte, 3)) / 65536.0::double precision as b,
        get_byte(byte, 4) / 256.0::double precision as c,
        get_byte(byte, 5) / 256.0::double precision as d,
        get_byte(byte, 6) / 256.0::double precision as e,
        get_byte(byte, 7) / 256.0::double precision as f,
        date_trunc('milliseconds', timestamptz '2021-01-01 00:00:00Z'
            + interval '1826 days' * ((n - 1 + get_byte(byte, 8) / 256.0) / :total)::double precision) as created_at
    from dice
),
-- Some names are frequent and most are not.
named as (
    select
        d.*,
        given[1 + floor(cardinality(given) * a * a)::int] as given_name,
        family[1 + floor(cardinality(family) * b * sqrt(b))::int] as family_name,
        department[1 + floor(cardinality(department) * c * c)::int] as department,
        city[1 + floor(cardinality(city) * d)::int] as city,
        locale[1 + floor(cardinality(city) * d)::int] as locale,
        time_zone[1 + floor(cardinality(city) * d)::int] as time_zone,
        domain[1 + floor(cardinality(domain) * e)::int] as domain,
        tag[1 + floor(cardinality(tag) * c)::int] as first_tag,
        tag[1 + floor(cardinality(tag) * f)::int] as second_tag,
        case when n % 100 in (7, 57) then 'suspended' when n % 100 = 33 then 'pending' when n % 100 = 83 then 'deleted' else 'active' end as status
    from drawn d
    cross join lists
),
person as materialized (
    select
        *,
        lower(translate(
            given_name || '.' || family_name,
            'ÁÅÄÍÖØŁŚŞŠÉÇČàáâäãåąçćčďéèêëęěíîïıłñńňóòôöõøřśšşťúùûüůýžźżğ',
            'aaaioolssseccaaaaaaacccdeeeeeeiiiilnnnoooooorssstuuuuuyzzzg'
        )) || n as username,
        lpad(to_hex(floor(extract(epoch from created_at) * 1000)::bigint), 12, '0') as milliseconds
    from named
),
-- The ids are UUIDs of version 7 (RFC 9562).
new_users as (
    insert into users (
        id, username, status, status_before_deletion, given_name, family_name, display_name, locale, time_zone, attributes, created_at,
        updated_at, last_sign_in_at, deleted_at, purge_after
    )
    select
        (milliseconds || '7' || substr(hex, 17, 3) || '8' || substr(hex, 20, 15))::uuid,
        username,
        status,
        case when status = 'deleted' then 'active' end,
        given_name,
        family_name,
        given_name || ' ' || family_name,
        locale,
        time_zone,
        jsonb_build_object(
            'department', department,
            'city', city,
            'level', 1 + floor(f * f * 9)::int,
            'start_date', (created_at + interval '30 days' * e)::date,
            'tags', case when first_tag = second_tag then jsonb_build_array(first_tag) else jsonb_build_array(first_tag, second_tag) end
        ),
        created_at,
        created_at,
        case when status <> 'pending' and e < 0.3 then created_at + (timestamptz '2026-01-01 00:00:00Z' - created_at) * d end,
        case when status = 'deleted' then timestamptz '2026-01-01 00:00:00Z' end,
        -- So far away that they stay in the recycle bin.
        case when status = 'deleted' then timestamptz '2100-01-01 00:00:00Z' end
    from person p
    where not exists (select from users u where u.username_normal = p.username)
    on conflict do nothing
    returning id, username, created_at
),
new_emails as (
    insert into emails (id, user_id, address, address_normal, is_primary, verified_at, created_at)
    select
        (milliseconds || '7' || substr(hex, 35, 3) || '9' || substr(hex, 38, 15))::uuid,
        u.id,
        p.username || '@' || domain,
        p.username || '@' || domain,
        true,
        case when status <> 'pending' then u.created_at + interval '5 minutes' end,
        u.created_at
    from new_users u
    join person p on p.username = u.username
),
new_roles as (
    insert into user_roles (user_id, role_name, granted_at)
    select u.id, role, u.created_at
    from new_users u
    join person p on p.username = u.username
    cross join unnest(case when p.n % 50 = 0 then array['user', 'manager'] else array['user'] end) as role
)
select count(*) from new_users;
